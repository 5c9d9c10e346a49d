#include "library.h"

#include <dlfcn.h>

namespace salmask {

napi_value loadLibrary(const Arguments& args) {
  const std::string path = toString(args.env, args[0], "path");
  // It is never closed: the dispatcher keeps pointers to its kernels. Its symbols stay local: torchvision brings the system's
  // GLib with FFmpeg, whose functions would take the place of those that sharp brings.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
    const char* why = dlerror();
    TORCH_CHECK(false, why == nullptr ? "the loader gave no reason" : why);
  }
  return undefined(args.env);
}

}  // namespace salmask
