// The shardcache command.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "bindings/cli/command.h"

namespace {

constexpr const char* kAbout =
    "Says where twemproxy (nutcracker) puts each key, from its own configuration file.\n"
    "Computation, but for watch, warm, clean and bench, which talk to servers; warm and clean\n"
    "change them with --go, and bench stores values of its own.\n"
    "\n"
    "  shardcache check nutcracker.yml\n"
    "  shardcache locate -c nutcracker.yml user:42 user:43\n"
    "  shardcache ring -c nutcracker.yml --down server2\n"
    "  shardcache eject -c nutcracker.yml\n"
    "  shardcache agree -c nutcracker.yml --client php-memcached \\\n"
    "      --set OPT_LIBKETAMA_COMPATIBLE=true";

constexpr const char* kFooter =
    "Exit codes: 0 yes or done; 1 no (an invalid configuration, keys that differ);\n"
    "2 wrong usage, or a file that cannot be read or written.";

}  // namespace

int main(int argc, char** argv) {
  namespace cli = shardcache::cli;
  CLI::App app{kAbout, "shardcache"};
  app.set_version_flag("--version", "shardcache " SHARDCACHE_VERSION);
  app.footer(kFooter);
  app.require_subcommand(1);
  cli::Run run;
  cli::AddCheck(app, run);
  cli::AddLocate(app, run);
  cli::AddRing(app, run);
  cli::AddAgree(app, run);
  cli::AddDiff(app, run);
  cli::AddEject(app, run);
  cli::AddWarm(app, run);
  cli::AddClean(app, run);
  cli::AddWatch(app, run);
  cli::AddBench(app, run);
  try {
    app.parse(argc, argv);
    return run();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kYes : cli::kTrouble;
  } catch (const cli::Failure& failure) {
    std::fprintf(stderr, "shardcache: %s\n", failure.what());
    return failure.code();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "shardcache: %s\n", error.what());
    return cli::kTrouble;
  }
}
