// Placeholder: the command line comes here.
export {}
