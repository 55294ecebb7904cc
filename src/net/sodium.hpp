// libsodium has to be started once, before its first use by any thread.
#pragma once

namespace motet {

void start_sodium();

}  // namespace motet
