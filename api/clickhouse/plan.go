package clickhouse

import (
	"encoding/json"
	"fmt"
	"strings"

	"nightjar/api/services/events"
)

// planNode is a step of the server's plan, as EXPLAIN json = 1, indexes = 1 has
// it.
type planNode struct {
	Indexes []struct {
		Type             string   `json:"Type"`
		Name             string   `json:"Name"`
		Keys             []string `json:"Keys"`
		Condition        string   `json:"Condition"`
		InitialParts     int64    `json:"Initial Parts"`
		SelectedParts    int64    `json:"Selected Parts"`
		InitialGranules  int64    `json:"Initial Granules"`
		SelectedGranules int64    `json:"Selected Granules"`
	} `json:"Indexes"`
	Plans []planNode `json:"Plans"`
}

// indexUses finds what the plan says of indexes. One that decides nothing, the
// server's way of saying that it was not asked, is left out.
func indexUses(plan string) ([]events.IndexUse, error) {
	var whole []struct {
		Plan planNode `json:"Plan"`
	}
	if err := json.Unmarshal([]byte(plan), &whole); err != nil {
		return nil, fmt.Errorf("read the server's plan: %w", err)
	}
	var out []events.IndexUse
	for _, p := range whole {
		out = p.Plan.collect(out)
	}
	return out, nil
}

func (n planNode) collect(out []events.IndexUse) []events.IndexUse {
	for _, i := range n.Indexes {
		if i.Condition == "true" && i.InitialGranules == i.SelectedGranules {
			continue
		}
		if strings.HasPrefix(i.Name, "<Combined") {
			i.Name = "indexes together"
		}
		out = append(out, events.IndexUse{
			Kind: indexKind(i.Type), Name: i.Name, Keys: i.Keys, Condition: i.Condition,
			PartsBefore: i.InitialParts, PartsAfter: i.SelectedParts,
			GranulesBefore: i.InitialGranules, GranulesAfter: i.SelectedGranules,
		})
	}
	for _, inner := range n.Plans {
		out = inner.collect(out)
	}
	return out
}

func indexKind(kind string) string {
	switch kind {
	case "PrimaryKey":
		return "primary key"
	case "MinMax", "Partition":
		return "partition"
	}
	return strings.ToLower(kind)
}
