/* Reads JSON from standard input: exit status 0 when it is valid, else the reason and 1. */
#include <jansson.h>

int
main(void)
{
    json_error_t error;
    json_t *value = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    if (!value)
        printf("line %d, column %d: %s\n", error.line, error.column, error.text);
    json_decref(value);
    return value ? 0 : 1;
}
