/* tools/main.c: the program around the command, which tests call without one. */
#include "tools/tools.h"

int
main(int argc, char **argv)
{
    return weft_main(argc, argv);
}
