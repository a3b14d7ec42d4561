-- expect: does not end
return require("cloudbuild").recipe {
  run = function() while true do end end,
}
