#include "tables.h"

namespace salmask::distributed {

Tables& tables(const Arguments& args) {
  auto& made = args.environment->distributed;
  if (made == nullptr) made = std::make_shared<Tables>();
  return *static_cast<Tables*>(made.get());
}

}  // namespace salmask::distributed
