package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// ruleColumnsHelp is what a list's columns say of what rules cost.
const ruleColumnsHelp = `List rules by name.

US/EVENT is the CPU time that an event costs the rule, whether it matches or not, in
microseconds: measured by the engine since it started, and empty until that is known
and of rules that are disabled. SIGNALS/DAY are the signals that the rule opened
within a day. BEHIND says of a rule that is evaluated by itself, because it is dear or
has very many signals to publish, how far it is behind the others. WITHOUT EFFECT is
what the rule says and nightjar does not do. --output json and jsonl have the rules
themselves; /api/nightjar/v1/rule_costs has what they cost.`

// ruleCost is what a rule costs, as the server says.
type ruleCost struct {
	ID      string      `json:"rule_id"`
	Each    *float64    `json:"microseconds_per_event"`
	Signals json.Number `json:"signals_per_day"`
	Behind  json.Number
	Alone   string
}

// ruleCosts asks for what rules cost. Without an answer the list shows none.
func (c *client) ruleCosts(ctx context.Context, costs map[string]ruleCost) {
	var answer struct{ Data []ruleCost }
	if c.do(ctx, http.MethodGet, "/api/nightjar/v1/rule_costs", nil, nil, &answer) != nil {
		return
	}
	for _, cost := range answer.Data {
		costs[cost.ID] = cost
	}
}

// cell is what a list shows in the columns of costs; ok is false of the others.
func (r ruleCost) cell(column string) (text string, ok bool) {
	switch column {
	case "US/EVENT":
		if r.Each != nil {
			text = fmt.Sprintf("%.2f", *r.Each)
		}
	case "SIGNALS/DAY":
		if r.ID != "" {
			text = cmp.Or(r.Signals.String(), "0")
		}
	case "BEHIND":
		if r.Alone != "" {
			text = fmt.Sprintf("%s events: by itself, %s", cmp.Or(r.Behind.String(), "0"), r.Alone)
		}
	default:
		return "", false
	}
	return text, true
}
