" gradc.vim - colours for files of the gradc language.
if exists("b:current_syntax")
  finish
endif

syntax keyword gradcControl if then else for in while at most with fold scan loop
syntax keyword gradcStatement print assert trace input import type
syntax keyword gradcRule custom_gradient custom_tangent
syntax keyword gradcOperator and or not
syntax keyword gradcType real int bool
syntax keyword gradcConstant true false none pi inf nan
syntax keyword gradcDerivative grad jvp vjp jacobian hessian hvp
syntax keyword gradcGradient stop_gradient detach grad_reverse grad_scale grad_clip
syntax keyword gradcGradient straight_through
syntax keyword gradcFunction abs acos acosh all any argmax argmin asin asinh atan atan2 atanh
syntax keyword gradcFunction cbrt ceil clamp close concat copysign cos cosh cross cumsum diag
syntax keyword gradcFunction digamma dot erf erfc exp exp2 expm1 eye fabs fdim floor fma fmax
syntax keyword gradcFunction fmin fmod heaviside hypot isfinite isinf isnan ldexp lgamma log
syntax keyword gradcFunction log10 log1p log2 log_softmax logb logit logsumexp max mean min
syntax keyword gradcFunction nearbyint norm ones outer polygamma prod relu remainder
syntax keyword gradcFunction reshape rint round select shape sigmoid sign sin sinh softmax
syntax keyword gradcFunction softplus sqrt stack sum tan tanh tgamma trace_of transpose trunc
syntax keyword gradcFunction zeros

syntax match gradcNumber "\<\d\+\%(\.\d\+\|\.\.\@!\)\=\%([eE][-+]\=\d\+\)\=\>\="
syntax match gradcNumber "\%(\w\|\.\)\@1<!\.\d\+\%([eE][-+]\=\d\+\)\=\>"
syntax match gradcPrime "\w\@1<='\+"
syntax match gradcOperator "->\|\.\.\|\*\*\|//\|[-+*/%@^<>=!]=\=\|[:|;]"
syntax match gradcDefinition "^\s*\zs\h\w*\ze\s*(.\{-}=[^=]"
syntax region gradcString start=+"+ skip=+\\.+ end=+"+ end=+$+ contains=gradcEscape,gradcValue
syntax match gradcEscape "\\[tn\"\\]\|{{\|}}" contained
syntax region gradcValue start="{{\@!" end="}" oneline contained contains=gradcFunction,gradcNumber
syntax match gradcComment "#.*$" contains=@Spell

highlight default link gradcControl Conditional
highlight default link gradcStatement Statement
highlight default link gradcRule Define
highlight default link gradcOperator Operator
highlight default link gradcType Type
highlight default link gradcConstant Constant
highlight default link gradcDerivative Special
highlight default link gradcGradient PreProc
highlight default link gradcFunction Function
highlight default link gradcNumber Number
highlight default link gradcPrime Special
highlight default link gradcDefinition Identifier
highlight default link gradcString String
highlight default link gradcEscape SpecialChar
highlight default link gradcValue Special
highlight default link gradcComment Comment

setlocal commentstring=#\ %s
syntax sync minlines=50
let b:current_syntax = "gradc"
