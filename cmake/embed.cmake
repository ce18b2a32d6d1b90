# Files as a C table of bytes:  cmake -DOUT=x.c -DFILES="a.h;b.h" -P embed.cmake
# Fills `weft_emu_file` (backends/emu/emu.h).
set(text "/* Generated from backends/emu/shim. */\n#include \"backends/emu/emu.h\"\n\n")
set(rows "")
set(n 0)
foreach(file ${FILES})
    get_filename_component(name ${file} NAME)
    file(READ ${file} hex HEX)
    string(LENGTH "${hex}" size)
    math(EXPR size "${size} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(APPEND text "static const char file_${n}[] = { ${bytes} 0 };\n")
    string(APPEND rows "    { \"${name}\", file_${n}, ${size} },\n")
    math(EXPR n "${n} + 1")
endforeach()
string(APPEND text "\nstatic const weft_emu_file files[] = {\n${rows}};\n\n"
    "const weft_emu_file *\nweft_emu_shim_files(int *n)\n{\n    *n = ${n};\n    return files;\n}\n")
file(WRITE ${OUT} "${text}")
