package schema

// Suppression keeps signals from people who don't want them: it applies to the
// rules that its RuleQuery selects, to events and signals of its time.
type Suppression struct {
	ID          string `json:"id,omitempty"`
	Version     int64  `json:"version,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Enabled     bool   `json:"enabled"`
	// RuleQuery is a search over rules.
	RuleQuery string `json:"rule_query"`
	// SuppressionQuery is a search over finished signals: those it matches are
	// withheld. DataExclusionQuery is one over events: those it matches never
	// reach the rules. One of them is there at least.
	SuppressionQuery   string `json:"suppression_query,omitempty"`
	DataExclusionQuery string `json:"data_exclusion_query,omitempty"`
	// StartDate and ExpirationDate bound the event times it applies to, the
	// first included and the last not; nil is open.
	StartDate      *Millis  `json:"start_date,omitempty"`
	ExpirationDate *Millis  `json:"expiration_date,omitempty"`
	Tags           []string `json:"tags,omitempty"`

	CreatedAt Millis `json:"creation_date,omitempty"`
	UpdatedAt Millis `json:"update_date,omitempty"`
	// CreatedBy and UpdatedBy are the handles of who made it and who changed it last;
	// empty: it was made before that was kept. No document says them.
	CreatedBy, UpdatedBy string `json:"-"`
}

// KnownKeys are those that the reference's servers add to a suppression, and that
// mean nothing in a document.
func (*Suppression) KnownKeys() []string { return []string{"creator", "editable", "updater"} }
