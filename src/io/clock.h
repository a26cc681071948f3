/* Clocks beside loop_now_ms. Any thread. */
#pragma once

#include <stdint.h>

int64_t clock_slept_ms(void); /* how long this machine has been suspended since it was started; 0
                                 where that cannot be told */
int64_t clock_wall_ms(void);  /* since 1970: to show and to propose, never to decide */
