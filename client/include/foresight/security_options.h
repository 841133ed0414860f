// The files by which a client checks the server and identifies itself.
#pragma once

#include <string>

namespace foresight {

// All are names of files, which are read when the client connects; the token's
// file is read again when it changes.
struct SecurityOptions {
  // PEM. If set, the client uses TLS and accepts a server whose certificate
  // these CAs signed. Empty: plain text.
  std::string tls_ca;
  // PEM: the client's certificate and its key. Set both or neither; they need
  // tls_ca.
  std::string tls_cert;
  std::string tls_key;
  // One line: a bearer token. Empty: none.
  std::string token_file;
  // Send the token in plain text to other machines, although anyone on the way
  // can read it.
  bool plaintext_token = false;
};

}  // namespace foresight
