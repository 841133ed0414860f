#include "server/durability/redis_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "server/support/clock.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kChunk = 64 << 10;

absl::Status SystemError(absl::string_view what, int error) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(error)));
}

// Waits until `file` is ready for `events`.
absl::Status Await(int file, short events, absl::Duration timeout) {
  const absl::Time end = MonotonicNow() + timeout;
  while (true) {
    pollfd polled = {file, events, 0};
    const absl::Duration left = end - MonotonicNow();
    const int ready =
        poll(&polled, 1,
             static_cast<int>(absl::ToInt64Milliseconds(
                 std::clamp(left + absl::Milliseconds(1), absl::ZeroDuration(),
                            absl::Hours(1)))));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SystemError("poll", errno);
    if (MonotonicNow() >= end) {
      return absl::UnavailableError(
          absl::StrCat("no answer within ", absl::FormatDuration(timeout)));
    }
  }
}

absl::StatusOr<int> ConnectTo(const addrinfo& info, absl::Duration timeout) {
  const int file = socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return SystemError("socket", errno);
  fcntl(file, F_SETFL, O_NONBLOCK);
  const int on = 1;
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  absl::Status status;
  if (connect(file, info.ai_addr, info.ai_addrlen) != 0) {
    int error = errno;
    if (error == EINPROGRESS) {
      status = Await(file, POLLOUT, timeout);
      error = 0;
      socklen_t size = sizeof(error);
      getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (status.ok() && error != 0) status = SystemError("connect", error);
  }
  if (status.ok()) return file;
  close(file);
  return status;
}

std::string TlsReason() {
  std::array<char, 256> text = {};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

bool IsNumeric(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

}  // namespace

// OpenSSL gets memory buffers: it would write to a socket without MSG_NOSIGNAL.
struct RedisSocket::Tls {
  struct Free {
    void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
    void operator()(SSL* owned) const { SSL_free(owned); }
  };
  std::unique_ptr<SSL_CTX, Free> context;
  std::unique_ptr<SSL, Free> ssl;
  BIO* in = nullptr;  // The ssl's.
  BIO* out = nullptr;
};

RedisSocket::RedisSocket(int file, absl::Duration timeout)
    : file_(file), timeout_(timeout) {}

RedisSocket::~RedisSocket() { close(file_); }

absl::StatusOr<std::unique_ptr<RedisSocket>> RedisSocket::Connect(
    const RedisAddress& address, absl::Duration timeout) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code =
      getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (code != 0) {
    return absl::UnavailableError(
        absl::StrCat("no address: ", gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found,
                                                            freeaddrinfo);
  absl::StatusOr<int> file = absl::UnavailableError("no address");
  for (const addrinfo* info = found; info != nullptr && !file.ok();
       info = info->ai_next) {
    file = ConnectTo(*info, timeout);
  }
  if (!file.ok()) return file.status();
  std::unique_ptr<RedisSocket> connected(new RedisSocket(*file, timeout));
  if (address.tls) RETURN_IF_ERROR(connected->BeginTls(address));
  return connected;
}

absl::Status RedisSocket::BeginTls(const RedisAddress& address) {
  tls_ = std::make_unique<Tls>();
  tls_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(tls_->context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(tls_->context.get(), SSL_VERIFY_PEER, nullptr);
  const bool trusted =
      address.ca_file.empty()
          ? SSL_CTX_set_default_verify_paths(tls_->context.get()) == 1
          : SSL_CTX_load_verify_locations(
                tls_->context.get(), address.ca_file.c_str(), nullptr) == 1;
  if (!trusted) {
    return absl::UnavailableError(absl::StrCat(
        address.ca_file, ": no certificates can be read: ", TlsReason()));
  }
  tls_->ssl.reset(SSL_new(tls_->context.get()));
  tls_->in = BIO_new(BIO_s_mem());
  tls_->out = BIO_new(BIO_s_mem());
  SSL* const ssl = tls_->ssl.get();
  SSL_set_bio(ssl, tls_->in, tls_->out);
  if (IsNumeric(address.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.host.c_str());
  } else {
    SSL_set1_host(ssl, address.host.c_str());
    SSL_set_tlsext_host_name(ssl, address.host.c_str());
  }
  SSL_set_connect_state(ssl);
  while (true) {
    const int done = SSL_do_handshake(ssl);
    const bool wants = SSL_get_error(ssl, done) == SSL_ERROR_WANT_READ;
    const std::string why = done == 1 || wants ? "" : TlsReason();
    RETURN_IF_ERROR(Flush());
    if (done == 1) return absl::OkStatus();
    if (!wants) return absl::UnavailableError(absl::StrCat("TLS: ", why));
    RETURN_IF_ERROR(Feed());
  }
}

absl::Status RedisSocket::Flush() {
  std::string bytes(BIO_ctrl_pending(tls_->out), '\0');
  if (bytes.empty()) return absl::OkStatus();
  BIO_read(tls_->out, bytes.data(), static_cast<int>(bytes.size()));
  return SendPlain(bytes);
}

absl::Status RedisSocket::Feed() {
  ASSIGN_OR_RETURN(const std::string bytes, ReceivePlain());
  BIO_write(tls_->in, bytes.data(), static_cast<int>(bytes.size()));
  return absl::OkStatus();
}

absl::Status RedisSocket::Send(absl::string_view bytes) {
  if (tls_ == nullptr) return SendPlain(bytes);
  while (!bytes.empty()) {
    const absl::string_view chunk = bytes.substr(0, kChunk);
    if (SSL_write(tls_->ssl.get(), chunk.data(),
                  static_cast<int>(chunk.size())) <= 0) {
      return absl::UnavailableError(absl::StrCat("TLS: ", TlsReason()));
    }
    RETURN_IF_ERROR(Flush());
    bytes.remove_prefix(chunk.size());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RedisSocket::Receive() {
  if (tls_ == nullptr) return ReceivePlain();
  std::string bytes(kChunk, '\0');
  while (true) {
    SSL* const ssl = tls_->ssl.get();
    const int size =
        SSL_read(ssl, bytes.data(), static_cast<int>(bytes.size()));
    if (size > 0) {
      bytes.resize(size);
      return bytes;
    }
    if (SSL_get_error(ssl, size) != SSL_ERROR_WANT_READ) {
      return absl::UnavailableError(absl::StrCat("TLS: ", TlsReason()));
    }
    RETURN_IF_ERROR(Flush());
    RETURN_IF_ERROR(Feed());
  }
}

absl::Status RedisSocket::SendPlain(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        send(file_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(sent);
    } else if (errno == EAGAIN) {
      RETURN_IF_ERROR(Await(file_, POLLOUT, timeout_));
    } else if (errno != EINTR) {
      return SystemError("send", errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> RedisSocket::ReceivePlain() {
  std::string bytes(kChunk, '\0');
  while (true) {
    const ssize_t size = recv(file_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size > 0) {
      bytes.resize(size);
      return bytes;
    }
    if (size == 0) return absl::UnavailableError("the connection was closed");
    if (errno == EAGAIN) {
      RETURN_IF_ERROR(Await(file_, POLLIN, timeout_));
    } else if (errno != EINTR) {
      return SystemError("receive", errno);
    }
  }
}

}  // namespace foresight
