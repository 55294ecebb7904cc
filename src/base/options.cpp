#include "base/options.hpp"
namespace motet {}
