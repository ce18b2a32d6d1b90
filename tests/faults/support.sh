# What the scripts of faults share; sourced.  FAKES is the folder with the fake libraries, one folder
# each; DIGITS a model.
. "$(dirname "$0")/../cli/support.sh"
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$tmp}
WEFT_CACHE_DIR=$tmp/cache
export XDG_RUNTIME_DIR WEFT_CACHE_DIR
unset CUDA_HOME CUDA_PATH

# A folder in which every name that a driver looks for is a file that cannot be loaded.
mkdir "$tmp/broken" || exit 1
for name in libOpenCL.so.1 libOpenCL.so libvulkan.so.1 libvulkan.so libvulkan.1.dylib libMoltenVK.dylib \
    libcuda.so.1 libnvrtc.so.13 libnvrtc.so.12 libnvrtc.so.11.2 libnvrtc.so; do
    echo 'no library' >"$tmp/broken/$name"
done

# only LIBRARIES COMMAND..: runs it where of all drivers' libraries those fakes alone can be loaded.
only()
{
    path=
    for fake in $1; do
        path=$path$FAKES/$fake:
    done
    shift
    LD_LIBRARY_PATH=$path$tmp/broken "$@"
}

# err_is_short: a fault is told in a few lines.
err_is_short()
{
    [ "$(wc -l <"$tmp/err")" -le 14 ] || fail "the messages are long: $(head -c 600 "$tmp/err")"
}
