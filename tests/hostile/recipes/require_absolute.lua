-- expect: the name of a file beside the recipe
return require "/etc/passwd"
