# openblas.bash - sourced by the benchmarks: one thread, and OpenBLAS's code for the processor.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1

# An OpenBLAS that does not know the processor takes its oldest code, for PyTorch as for us.
if [[ -z ${OPENBLAS_CORETYPE-} ]] && grep -qw avx512vl /proc/cpuinfo; then
  export OPENBLAS_CORETYPE=SkylakeX
elif [[ -z ${OPENBLAS_CORETYPE-} ]] && grep -qw avx2 /proc/cpuinfo; then
  export OPENBLAS_CORETYPE=Haswell
fi
