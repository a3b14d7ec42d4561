-- expect: expected a plain value, got function
return require("cloudbuild").recipe { run = function() return { print } end }
