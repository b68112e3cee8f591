package backtests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	"nightjar/api"
	"nightjar/api/ruledoc"
	"nightjar/api/services/signals"
	pb "nightjar/api/v1"
	"nightjar/scheduler"
	"nightjar/scheduler/backtest"
	"nightjar/scheduler/detect"
	"nightjar/schema"
)

// BacktestService serves BacktestService.
type BacktestService struct {
	pb.UnimplementedBacktestServiceServer
	Runner  Runner
	Jobs    Jobs
	Rules   ruleReader
	Results *signals.SignalService
	Now     func() time.Time
}

// ruleReader reads a rule.
type ruleReader interface {
	Rule(ctx context.Context, id string) (schema.Rule, error)
}

// RunBacktest runs a rule over history.
func (s *BacktestService) RunBacktest(ctx context.Context, in *pb.RunBacktestRequest) (*pb.RunBacktestResponse, error) {
	rule, err := ruledoc.Requested(in.GetRule())
	if err != nil {
		return nil, err
	}
	from, to, err := api.Span(in.GetFrom(), in.GetTo(), s.Now())
	if err != nil {
		return nil, err
	}
	span := scheduler.TimeSpan{From: from, To: to}
	bounds, err := stretches(span, in.GetStretches())
	if err != nil {
		return nil, err
	}
	found, warnings, err := s.Runner.Backtest(ctx, rule, span, api.ReadingOf(ctx).Done)
	if err != nil {
		return nil, ruledoc.Explain(err)
	}
	out := &pb.RunBacktestResponse{Matches: int64(found.Matches), Warnings: warnings}
	if told := found.LeftOut.String(); told != "" {
		out.Warnings = append(out.Warnings, told)
	}
	if len(bounds) > 0 {
		if out.Peaks, err = peaksOf(ctx, found, bounds); err != nil {
			return nil, err
		}
	}
	for i := range found.Signals {
		sig := &found.Signals[i]
		if sig.Suppression != "" {
			out.Suppressed++
			continue
		}
		out.Signals = append(out.Signals, &pb.BacktestSignal{
			Case: int32(sig.Case), CaseName: scheduler.CaseName(found.Plan, sig.Case), Group: detect.Visible(found.Plan, sig.Group),
			FirstSeen: int64(sig.FirstSeen), LastSeen: int64(sig.LastSeen), Severity: scheduler.Severity(found.Plan, *sig), Events: int64(sig.Events),
		})
	}
	return out, nil
}

// CreateJob stores a job.
func (s *BacktestService) CreateJob(ctx context.Context, in *pb.CreateJobRequest) (*pb.CreateJobResponse, error) {
	a := in.GetData().GetAttributes()
	var job backtest.Job
	var err error
	switch definition, from := a.GetJobDefinition(), a.GetFromRule(); {
	case definition != nil && from != nil:
		return nil, api.BadRequest("data.attributes", "want one of jobDefinition and fromRule, got both")
	case definition != nil:
		job, err = definedJob(definition)
	case from != nil:
		job, err = s.jobOfRule(ctx, from)
	default:
		return nil, api.BadRequest("data.attributes", "want jobDefinition or fromRule")
	}
	if err != nil {
		return nil, err
	}
	job.SignalOutput = a.GetSignalOutput()
	if job.From >= job.To {
		return nil, api.BadRequest("from", "want a time before to")
	}
	job, err = s.Jobs.Create(ctx, job)
	if err != nil {
		return nil, ruledoc.Explain(err)
	}
	api.AnswerWith(ctx, 201)
	return &pb.CreateJobResponse{Data: &pb.JobReference{Id: job.ID, Type: jobType}}, nil
}

const (
	jobType   = "historicalDetectionsJob"
	mainIndex = "main"
)

// checkIndex knows the one index that there is.
func checkIndex(name string) error {
	if name == mainIndex {
		return nil
	}
	const text = "input_validation_error(Field 'index' is invalid: Invalid index): Index must exist"
	return &api.Error{
		Code: api.CodeInvalidArgument, Message: fmt.Sprintf("there is no index %q; the one there is is %s", api.Shorten(name), mainIndex),
		Target: "index", Entry: string(api.AppendQuoted(nil, text)),
	}
}

func definedJob(d *pb.JobDefinition) (backtest.Job, error) {
	if err := checkIndex(d.GetIndex()); err != nil {
		return backtest.Job{}, err
	}
	rule, err := ruledoc.Requested(&pb.Rule{
		Name: d.GetName(), Message: d.GetMessage(), IsEnabled: true, Type: d.GetType(), Tags: d.GetTags(), Queries: d.GetQueries(),
		Cases: d.GetCases(), Options: d.GetOptions(), GroupSignalsBy: d.GetGroupSignalsBy(), ThirdPartyCases: d.GetThirdPartyCases(),
		ReferenceTables: d.GetReferenceTables(), CalculatedFields: d.GetCalculatedFields(),
	})
	return backtest.Job{Rule: rule, Index: d.GetIndex(), From: schema.Millis(d.GetFrom()), To: schema.Millis(d.GetTo())}, err
}

func (s *BacktestService) jobOfRule(ctx context.Context, in *pb.JobFromRule) (backtest.Job, error) {
	if err := checkIndex(in.GetIndex()); err != nil {
		return backtest.Job{}, err
	}
	rule, err := s.Rules.Rule(ctx, in.GetId())
	if errors.As(err, new(*schema.NotFoundError)) {
		return backtest.Job{}, &api.Error{Code: api.CodeNotFound, Message: "no rule with id " + api.Shorten(in.GetId()), Entry: `{"status":"404","title":"Not Found"}`}
	}
	if err != nil {
		return backtest.Job{}, err
	}
	job := backtest.Job{
		Rule: rule, FromRule: rule.ID, Index: in.GetIndex(), Notifications: in.GetNotifications(),
		From: schema.Millis(in.GetFrom()), To: schema.Millis(in.GetTo()),
	}
	if in.CaseIndex != nil {
		if n := in.GetCaseIndex(); n < 0 || int(n) >= max(len(rule.Cases), len(rule.ThirdPartyCases)) {
			return job, api.BadRequest("caseIndex", "the rule has no case %d; they count from 0", n)
		}
		job.OnlyCase = new(int(in.GetCaseIndex()))
	}
	return job, nil
}

// Sizes of a page of jobs.
const (
	defaultJobPage = 10
	maxJobPage     = 100
)

// ListJobs reads a page.
func (s *BacktestService) ListJobs(ctx context.Context, in *pb.ListJobsRequest) (*pb.ListJobsResponse, error) {
	var asked *int64
	if in.GetPage() != nil {
		asked = in.GetPage().Size
	}
	size, warnings := api.PageSize(asked, defaultJobPage, maxJobPage)
	number := in.GetPage().GetNumber()
	if number < 0 {
		return nil, api.BadRequest("page[number]", "want 0 or more, got %d", number)
	}
	all, err := s.Jobs.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	words := strings.Fields(in.GetFilter().GetQuery())
	all = slices.DeleteFunc(all, func(j backtest.Job) bool {
		return slices.ContainsFunc(words, func(w string) bool { return !jobMatches(&j, w) })
	})
	if err := sortJobs(all, in.GetSort()); err != nil {
		return nil, err
	}
	out := &pb.ListJobsResponse{Warnings: warnings, Meta: &pb.ListJobsMeta{TotalCount: int64(len(all))}}
	total := int64(len(all))
	from := min(min(number, total/size+1)*size, total)
	for i := from; i < min(from+size, total); i++ {
		item, err := jobToProto(&all[i])
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, item)
	}
	return out, nil
}

func jobMatches(j *backtest.Job, word string) bool {
	key, value, keyed := strings.Cut(word, ":")
	value = strings.Trim(value, `"`)
	switch {
	case word == "*":
		return true
	case keyed && key == "id":
		return j.ID == value
	case keyed && (key == "jobStatus" || key == "status"):
		return j.Status == value
	case keyed && key == "createdFromRuleId":
		return j.FromRule == value
	}
	return strings.Contains(strings.ToLower(j.Rule.Name), strings.ToLower(word))
}

func sortJobs(all []backtest.Job, key string) error {
	if key == "" {
		return nil // the newest first
	}
	key, descending := strings.CutPrefix(key, "-")
	by := map[string]func(a, b *backtest.Job) int{
		"createdAt":  func(a, b *backtest.Job) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) },
		"modifiedAt": func(a, b *backtest.Job) int { return cmp.Compare(a.ModifiedAt, b.ModifiedAt) },
		"jobName":    func(a, b *backtest.Job) int { return cmp.Compare(a.Rule.Name, b.Rule.Name) },
		"jobStatus":  func(a, b *backtest.Job) int { return cmp.Compare(a.Status, b.Status) },
	}[key]
	if by == nil {
		return api.BadRequest("sort", "want createdAt, modifiedAt, jobName or jobStatus, got %q", api.Shorten(key))
	}
	slices.SortStableFunc(all, func(a, b backtest.Job) int {
		if descending {
			return by(&b, &a)
		}
		return by(&a, &b)
	})
	return nil
}

// What the recordings say of an invalid id, where jobs are read and where they are changed.
const (
	invalidID       = `{"status":"400","detail":"invalid jobId"}`
	invalidIDTitled = `{"status":"400","title":"Generic Error","detail":"invalid jobId"}`
)

// checkJobID refuses what can be no job's id, with this entry among the errors.
func checkJobID(id, entry string) error {
	if api.IsUUID(id) {
		return nil
	}
	return &api.Error{Code: api.CodeInvalidArgument, Message: "invalid jobId", Target: "jobId", Entry: entry}
}

// jobProblem words what was refused about a job as the recordings do.
func jobProblem(err error) error {
	var busy *backtest.JobBusyError
	switch {
	case errors.As(err, &busy):
		return &api.Error{Code: api.CodeAborted, Message: busy.Error()}
	case errors.As(err, new(*schema.NotFoundError)):
		return &api.Error{Code: api.CodeNotFound, Message: err.Error(), Entry: `{"status":"404","detail":"Not Found"}`}
	}
	return err
}

// GetJob reads a job.
func (s *BacktestService) GetJob(ctx context.Context, in *pb.GetJobRequest) (*pb.GetJobResponse, error) {
	if err := checkJobID(in.GetJobId(), invalidID); err != nil {
		return nil, err
	}
	job, err := s.Jobs.Job(ctx, in.GetJobId())
	if err != nil {
		return nil, jobProblem(err)
	}
	item, err := jobToProto(&job)
	return &pb.GetJobResponse{Data: item}, err
}

// CancelJob ends a job.
func (s *BacktestService) CancelJob(ctx context.Context, in *pb.GetJobRequest) (*emptypb.Empty, error) {
	if err := checkJobID(in.GetJobId(), invalidIDTitled); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, jobProblem(s.Jobs.Cancel(ctx, in.GetJobId()))
}

// DeleteJob deletes a job.
func (s *BacktestService) DeleteJob(ctx context.Context, in *pb.GetJobRequest) (*emptypb.Empty, error) {
	if err := checkJobID(in.GetJobId(), invalidIDTitled); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, jobProblem(s.Jobs.Delete(ctx, in.GetJobId()))
}

const histSignals = "/api/v2/siem-historical-detections/histsignals"

// SearchJobSignals reads a page of the results of all jobs.
func (s *BacktestService) SearchJobSignals(ctx context.Context, in *pb.SearchSignalsRequest) (*pb.SearchSignalsResponse, error) {
	return s.Results.SearchOf(ctx, in, "", histSignals)
}

// ListJobSignals is SearchJobSignals, asked by URL.
func (s *BacktestService) ListJobSignals(ctx context.Context, in *pb.SearchSignalsRequest) (*pb.SearchSignalsResponse, error) {
	return s.SearchJobSignals(ctx, in)
}

// ListSignalsOfJob reads a page of the results of one job.
func (s *BacktestService) ListSignalsOfJob(ctx context.Context, in *pb.ListSignalsOfJobRequest) (*pb.SearchSignalsResponse, error) {
	if err := checkJobID(in.GetJobId(), invalidID); err != nil {
		return nil, err
	}
	if _, err := s.Jobs.Job(ctx, in.GetJobId()); err != nil {
		return nil, jobProblem(err)
	}
	search := &pb.SearchSignalsRequest{Filter: in.GetFilter(), Page: in.GetPage(), Sort: in.GetSort()}
	return s.Results.SearchOf(ctx, search, backtest.JobRuleKey(in.GetJobId()), "/api/v2/siem-historical-detections/jobs/"+in.GetJobId()+"/histsignals")
}

// GetJobSignal reads one result.
func (s *BacktestService) GetJobSignal(ctx context.Context, in *pb.GetSignalRequest) (*pb.GetSignalResponse, error) {
	return s.Results.GetSignal(ctx, in)
}

// maxConverted is how many results one request may make signals of.
const maxConverted = 1000

// ConvertJobSignals makes signals of results.
func (s *BacktestService) ConvertJobSignals(ctx context.Context, in *pb.ConvertJobSignalsRequest) (*emptypb.Empty, error) {
	a := in.GetData().GetAttributes()
	ids := a.GetJobResultIds()
	switch {
	case len(ids) == 0 || slices.Contains(ids, ""):
		return nil, &api.Error{Message: "empty jobResultId provided"}
	case len(ids) > maxConverted:
		return nil, api.BadRequest("jobResultIds", "want at most %d, got %d", maxConverted, len(ids))
	case !schema.Severity(a.GetSignalSeverity()).Known():
		return nil, api.BadRequest("signalSeverity", "want info, low, medium, high or critical, got %q", api.Shorten(a.GetSignalSeverity()))
	case strings.TrimSpace(a.GetSignalMessage()) == "":
		return nil, api.BadRequest("signalMessage", "missing")
	}
	return &emptypb.Empty{}, s.Jobs.Convert(ctx, ids, a.GetSignalMessage(), a.GetSignalSeverity())
}

// jobTime is a moment as jobs show it.
func jobTime(m schema.Millis) string { return m.Time().Format("2006-01-02 15:04:05.000000-07") }

func jobToProto(j *backtest.Job) (*pb.JobItem, error) {
	rule, err := ruledoc.ToProto(j.Rule)
	if err != nil {
		return nil, err
	}
	a := &pb.JobAttributes{
		JobName: j.Rule.Name, JobStatus: j.Status, ProgressRate: j.Progress, CreatedAt: jobTime(j.CreatedAt), ModifiedAt: jobTime(j.ModifiedAt),
		CreatedByHandle: api.Author.Handle, CreatedByName: api.Author.Name, SignalOutput: j.SignalOutput, Signals: int64(j.Signals),
		JobDefinition: &pb.JobDefinition{
			Name: rule.GetName(), Message: rule.GetMessage(), Index: j.Index, From: int64(j.From), To: int64(j.To), Type: rule.GetType(),
			Tags: rule.GetTags(), Queries: rule.GetQueries(), Cases: rule.GetCases(), Options: rule.GetOptions(),
			GroupSignalsBy: rule.GetGroupSignalsBy(), ThirdPartyCases: rule.GetThirdPartyCases(),
			ReferenceTables: rule.GetReferenceTables(), CalculatedFields: rule.GetCalculatedFields(),
		},
	}
	if j.FromRule != "" {
		a.CreatedFromRuleId = &j.FromRule
	}
	if j.Problem != "" {
		a.Problem = &j.Problem
	}
	return &pb.JobItem{Id: j.ID, Type: jobType, Attributes: a}, nil
}

// Runner runs rules over stored events. backtest.Runner implements it.
type Runner interface {
	// Backtest is a *schema.InvalidError for a rule that is wrong or can't be run. progress
	// is told how much is done, from 0 to 1.
	Backtest(ctx context.Context, rule schema.Rule, in scheduler.TimeSpan, progress func(float64)) (found *backtest.Found, warnings []string, err error)
}

// Jobs keeps and runs historical jobs. backtest.Jobs implements it.
type Jobs interface {
	Create(context.Context, backtest.Job) (backtest.Job, error)
	// Job, Cancel and Delete are a *schema.NotFoundError where there is no such job.
	Job(ctx context.Context, id string) (backtest.Job, error)
	// Jobs are all jobs, the newest first.
	Jobs(context.Context) ([]backtest.Job, error)
	// Cancel is a *backtest.JobBusyError for a job that has ended, Delete for one that
	// has not.
	Cancel(ctx context.Context, id string) error
	Delete(ctx context.Context, id string) error
	// Convert makes signals of results; a *schema.NotFoundError names one that is none.
	Convert(ctx context.Context, ids []string, message, severity string) error
}
