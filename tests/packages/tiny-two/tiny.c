#include "tiny.h"

const char *tiny_greeting(void) {
    return "libtiny " VERSION " greets";
}
