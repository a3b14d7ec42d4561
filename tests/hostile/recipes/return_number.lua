-- expect: expected the file to return a recipe, got number 3
return 3
