package search

// What tests outside of the package look at inside of it.
var (
	ParseAddress  = parseAddress
	StrictAddress = strictAddress
	OneByOne      = oneByOne
	Clip          = clip
	FieldWritten  = fieldOf
)

// Bounds that tests go to.
const (
	MaxWords        = maxWords
	MaxRegexpLength = maxRegexpLength
)
