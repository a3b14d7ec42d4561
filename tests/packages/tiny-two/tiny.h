/* A greeting with the version of the library that is there at run time. */
const char *tiny_greeting(void);
