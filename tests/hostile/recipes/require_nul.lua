-- expect: the name of a file beside the recipe
return require "use_os\0"
