package catalog

// StampQuery is what the stamp of the catalogs is asked with.
var StampQuery = stampQuery
