-- expect: `require_itself` needs itself
return require "require_itself"
