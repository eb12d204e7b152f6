// The shardcache command.
#include <cstdio>
#include <exception>

#include "bindings/cli/command.h"

namespace {

constexpr const char* kAbout =
    "Says where twemproxy (nutcracker) puts each key, from its own configuration file.\n"
    "Nothing is connected to and nothing is changed: this is computation.\n"
    "\n"
    "  shardcache check nutcracker.yml\n"
    "  shardcache locate -c nutcracker.yml user:42 user:43\n"
    "  shardcache ring -c nutcracker.yml --down server2";

constexpr const char* kFooter =
    "Exit codes: 0 yes or done; 1 no (an invalid configuration, a key without a server);\n"
    "2 wrong usage, or a file that cannot be read or written.";

}  // namespace

int main(int argc, char** argv) {
  using namespace shardcache::cli;
  CLI::App app{kAbout, "shardcache"};
  app.set_version_flag("--version", "shardcache " SHARDCACHE_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  Run run;
  AddCheck(app, run);
  AddLocate(app, run);
  AddRing(app, run);
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kYes : kTrouble;
  } catch (const Failure& failure) {
    std::fprintf(stderr, "shardcache: %s\n", failure.what());
    return failure.code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shardcache: %s\n", error.what());
    return kTrouble;
  }
}
