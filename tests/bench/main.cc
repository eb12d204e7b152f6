#include <benchmark/benchmark.h>

void RegisterRoutingBenchmarks();
void RegisterRingBenchmarks();
void RegisterRouterBenchmarks();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RegisterRoutingBenchmarks();
  RegisterRingBenchmarks();
  RegisterRouterBenchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
