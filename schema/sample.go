package schema

import "encoding/json"

// Sample is an event as a signal shows it.
type Sample struct {
	EventID    string        `json:"eventId"`
	QueryIndex int           `json:"queryIndex"` // of the rule's query that it matched
	Content    SampleContent `json:"content"`
}

// SampleContent is what is shown of the event.
type SampleContent struct {
	Timestamp string          `json:"timestamp"`
	Source    string          `json:"source,omitempty"`
	Service   string          `json:"service"`
	Host      string          `json:"host,omitempty"`
	Status    string          `json:"status"`
	Message   string          `json:"message"`
	Tags      []string        `json:"tags"`
	Custom    json.RawMessage `json:"custom"`
	Cut       *SampleCut      `json:"cut,omitempty"`
}

// SampleCut says of a sample that it is not the whole event, and how long that is.
type SampleCut struct {
	MessageBytes int `json:"messageBytes"`
	Tags         int `json:"tags"`
	CustomBytes  int `json:"customBytes"`
}

// ReadSamples reads the samples of a signal (Signal.Samples). There are none where the
// text is no list of them, as before a signal was published.
func ReadSamples(text string) []Sample {
	var list []Sample
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}
