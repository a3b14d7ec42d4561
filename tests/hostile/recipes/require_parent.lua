-- expect: the name of a file beside the recipe
return require "../recipes/use_os"
