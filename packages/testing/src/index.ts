// Placeholder: the conformance scenarios come here.
export {}
