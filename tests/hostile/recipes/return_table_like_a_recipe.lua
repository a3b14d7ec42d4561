-- expect: expected the file to return a recipe, got a table
return { kind = "recipe", about = "", run = print }
