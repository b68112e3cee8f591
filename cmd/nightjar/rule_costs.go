package main

import (
	"context"
	"fmt"
	"net/http"
)

// ruleCost is what a rule costs, as the server says.
type ruleCost struct {
	ID      string   `json:"rule_id"`
	Each    *float64 `json:"microseconds_per_event"`
	Signals uint64   `json:"signals_per_day,string"`
	Behind  uint64   `json:",string"`
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
			text = fmt.Sprint(r.Signals)
		}
	case "BEHIND":
		if r.Alone != "" {
			text = fmt.Sprintf("%d events: by itself, %s", r.Behind, r.Alone)
		}
	default:
		return "", false
	}
	return text, true
}
