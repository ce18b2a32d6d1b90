/* Stands in for a component that has no source file yet. */
typedef int weft_empty;
