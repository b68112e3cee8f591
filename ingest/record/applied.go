package record

// Applied is what pipelines did to a record.
type Applied struct {
	// Names are the pipelines whose filter matched, in their order, each as id@version.
	Names []string
	// Errors are what processors could not do, in short.
	Errors []string
	// Redacted is a text without what processors redacted; nil: nothing was.
	Redacted func(text string) string
}
