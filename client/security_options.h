// How a client checks the server and identifies itself.
#pragma once

#include <string>

namespace foresight {

// All are names of files. They are read when the client connects; the token's
// file is read again when it changes.
struct SecurityOptions {
  // PEM: TLS, with a server whose certificate these CAs signed. Empty: plain
  // text.
  std::string tls_ca;
  // PEM: the client's certificate and its key. Both or neither, with tls_ca.
  std::string tls_cert;
  std::string tls_key;
  // One line: a bearer token. Empty: none.
  std::string token_file;
  // Send the token in plain text to other machines, where everyone on the way
  // can take it.
  bool plaintext_token = false;
};

}  // namespace foresight
