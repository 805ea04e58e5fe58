// Placeholder: the HTTP service comes here.
export {}
