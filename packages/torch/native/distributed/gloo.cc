// The build gives USE_C10D_GLOO where Gloo's headers are there and fit libtorch.
#include "backends.h"

#ifdef USE_C10D_GLOO
#include <netdb.h>
#include <sys/socket.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#endif

namespace salmask::distributed {

#ifdef USE_C10D_GLOO
namespace {

using c10d::ProcessGroupGloo;
using Device = std::shared_ptr<::gloo::transport::Device>;

/** The address of this machine on the network through which it reaches `target`; empty if there is none. Sends nothing. */
std::string ownAddressTowards(const StoreAddress& target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found) != 0) return "";
  std::string own;
  for (const addrinfo* one = found; one != nullptr && own.empty(); one = one->ai_next) {
    const int connection = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (connection < 0) continue;
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    char name[NI_MAXHOST];
    if (connect(connection, one->ai_addr, one->ai_addrlen) == 0 &&
        getsockname(connection, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        getnameinfo(reinterpret_cast<sockaddr*>(&address), size, name, sizeof(name), nullptr, 0, NI_NUMERICHOST) == 0)
      own = name;
    close(connection);
  }
  freeaddrinfo(found);
  return own;
}

std::vector<Device> devicesTowards(const StoreAddress& target) {
  std::vector<Device> devices;
  if (const char* interfaces = std::getenv("GLOO_SOCKET_IFNAME")) {
    std::istringstream names(interfaces);
    for (std::string name; std::getline(names, name, ',');)
      if (!name.empty()) devices.push_back(ProcessGroupGloo::createDeviceForInterface(name));
    if (!devices.empty()) return devices;
  }
  const std::string own = ownAddressTowards(target);
  devices.push_back(own.empty() ? ProcessGroupGloo::createDefaultDevice() : ProcessGroupGloo::createDeviceForHostname(own));
  return devices;
}

}  // namespace

c10::intrusive_ptr<Backend> makeGloo(const Membership& membership) {
  const auto options = ProcessGroupGloo::Options::create(membership.timeout);
  options->devices = devicesTowards(membership.address);
  options->threads = 2 * static_cast<int>(options->devices.size());  // as PyTorch
  return c10::make_intrusive<ProcessGroupGloo>(membership.store, membership.rank, membership.size, options);
}
#else
c10::intrusive_ptr<Backend> makeGloo(const Membership&) {
  throw BackendMissing("the headers of Gloo that fit libtorch (Debian: libgloo-dev)");
}
#endif

}  // namespace salmask::distributed
