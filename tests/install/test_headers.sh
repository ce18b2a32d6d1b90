#!/bin/sh
# Every public header compiles alone, in C and in C++: test_headers.sh INCLUDE C_COMPILER CXX_COMPILER
set -eu
include=$1 cc=$2 cxx=$3
for header in "$include"/weft/*.h; do
    name=weft/$(basename "$header")
    for language in "$cc -x c -std=c99" "$cc -x c -std=c11" "$cxx -x c++ -std=c++11"; do
        echo "#include <$name>" | $language -Wall -Wextra -Werror -fsyntax-only -I"$include" - || {
            echo "$name does not stand alone: $language"
            exit 1
        }
    done
done
