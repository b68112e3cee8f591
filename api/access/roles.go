package access

import "slices"

// Permission is what a call needs.
type Permission string

// The permissions. An endpoint needs one; what a call needs beside that because of what
// it says (an agent rule that kills) is asked by its service.
const (
	// Open needs no key: it says nothing that is not for everybody.
	Open Permission = "open"
	// Known needs any valid key, and nothing else.
	Known Permission = "known"

	WriteEvents  Permission = "events:write"  // send events
	ReadEvents   Permission = "events:read"   // search them, also by SQL
	DeleteEvents Permission = "events:delete" // by a query, and by how long they are kept

	ReadSignals   Permission = "signals:read"
	TriageSignals Permission = "signals:triage"

	ReadDetection  Permission = "detection:read"  // rules, suppressions, tables, pipelines, threat lists
	WriteDetection Permission = "detection:write" // and what goes with them
	RunHistory     Permission = "history:run"     // backtests, historical jobs, previews

	ReadNotifications  Permission = "notifications:read"
	WriteNotifications Permission = "notifications:write"

	ReadAgents      Permission = "agents:read"
	WriteAgents     Permission = "agents:write"    // their rules and policies
	DownloadAgents  Permission = "agents:download" // all policies, as a file
	EnrollAgents    Permission = "agents:enroll"   // make a host an agent
	SyncAgents      Permission = "agents:sync"     // fetch orders, as the agent whose key it is
	ReadEngine      Permission = "engine:read"     // status, metrics
	OperateEngine   Permission = "engine:operate"  // accept losses, read events again
	ProfileEngine   Permission = "engine:profile"  // memory and CPU of the process
	MakeBackup      Permission = "backup:make"     // which holds everything
	ManageKeys      Permission = "keys:manage"
	ReadAudit       Permission = "audit:read"
	KillProcesses   Permission = "response:kill"
	IsolateHosts    Permission = "response:isolate"
	BlockIndicators Permission = "response:block"
	// CollectProcesses has an agent read a process tree, which changes nothing on its host.
	CollectProcesses Permission = "response:collect"
	// SwitchAgents stops all killing and blocking of all agents or of one, and lets them again.
	SwitchAgents Permission = "response:switch"
)

// permissions are all but Open, in the order of the alphabet.
var permissions = []Permission{
	DownloadAgents, EnrollAgents, ReadAgents, SyncAgents, WriteAgents, ReadAudit, MakeBackup,
	ReadDetection, WriteDetection, OperateEngine, ProfileEngine, ReadEngine, DeleteEvents,
	ReadEvents, WriteEvents, RunHistory, ManageKeys, Known, ReadNotifications,
	WriteNotifications, BlockIndicators, CollectProcesses, IsolateHosts, KillProcesses,
	SwitchAgents, ReadSignals, TriageSignals,
}

// Role is a set of permissions with a name.
type Role string

// The roles.
const (
	Intake    Role = "intake"    // a shipper: sends events, sees nothing
	Enroll    Role = "enroll"    // an enrolment token: makes a host an agent, sees nothing
	Agent     Role = "agent"     // an agent: sends events, fetches its policies
	Reader    Role = "reader"    // sees everything that analysts see
	Analyst   Role = "analyst"   // and triages signals
	Engineer  Role = "engineer"  // and changes what is detected and who is told
	Responder Role = "responder" // an analyst who may kill, isolate and block
	Admin     Role = "admin"     // everything
)

// Roles are all roles, in the order of their powers, as far as there is one.
var Roles = []Role{Intake, Enroll, Agent, Reader, Analyst, Engineer, Responder, Admin}

var (
	reads   = []Permission{Known, ReadEvents, ReadSignals, ReadDetection, ReadNotifications, ReadAgents, ReadEngine}
	triages = slices.Concat(reads, []Permission{TriageSignals, RunHistory, CollectProcesses})
)

// granted says what each role may do. Admin may do everything.
var granted = map[Role][]Permission{
	Intake:    {Known, WriteEvents},
	Enroll:    {Known, EnrollAgents},
	Agent:     {Known, WriteEvents, DownloadAgents, SyncAgents},
	Reader:    reads,
	Analyst:   triages,
	Engineer:  slices.Concat(triages, []Permission{WriteEvents, WriteDetection, WriteNotifications, WriteAgents, DownloadAgents, OperateEngine, SwitchAgents}),
	Responder: slices.Concat(triages, []Permission{WriteAgents, DownloadAgents, KillProcesses, IsolateHosts, BlockIndicators, SwitchAgents}),
}

// May reports whether the role has the permission.
func (r Role) May(p Permission) bool {
	return p == Open || r == Admin || slices.Contains(granted[r], p)
}

// Is reports whether there is such a role.
func (r Role) Is() bool { return slices.Contains(Roles, r) }
