-- expect: expected the file to return a recipe, got a function
return function() end
