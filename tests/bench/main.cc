#include <benchmark/benchmark.h>

void RegisterRoutingBenchmarks();
void RegisterRingBenchmarks();

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RegisterRoutingBenchmarks();
  RegisterRingBenchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
