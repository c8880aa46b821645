_cleanroom_ml_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _CLEANROOM_ML_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _cleanroom_ml_completion cleanroom-ml
