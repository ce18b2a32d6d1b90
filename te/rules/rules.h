/* te/rules/rules.h: default schedules, by the shape of the program and the class of the device.
 *
 * A rule reads a program without a schedule, recognises its anchor (the heaviest stage) and applies
 * primitives.  Its parameters are data chosen from the target by a cost estimate; the schedule that
 * results is printed like any other.  Every program gets a schedule that is correct for all shapes
 * and fits the target's limits.
 */
#ifndef WEFT_RULES_H
#define WEFT_RULES_H

#include "te/te.h"

/* Schedules the whole program for the target and writes te->info.schedule ("contraction/gpu: ...").
 * WEFT_CLASS_REFERENCE: data axes parallel, nothing else. */
weft_status weft_schedule_default(weft_te *, const weft_target *, weft_diag *);

#endif
