"""The Grafana dashboard as code: prints the content of foresight.json. That file
is committed: import it, or let Grafana provision it. To make it anew, after
deploy/install_dependencies.sh --checks:

    PYTHONPATH=.deps/grafana /usr/bin/python3 deploy/grafana/dashboard.py >FILE
"""

from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import prometheus, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
SELECTED = 'job="foresight",instance=~"$instance"'


def rate(metric, labels=""):
    return f"rate({metric}{{{SELECTED}{labels}}}[$__rate_interval])"


def total(metric, by="", labels=""):
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} ({rate(metric, labels)})"


def quantile(share, histogram):
    buckets = total(histogram + "_bucket", "le")
    return f"histogram_quantile({share}, {buckets})"


def gauge(metric):
    return f"sum ({metric}{{{SELECTED}}})"


def query(expression, legend):
    return (
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend)
        .datasource(SOURCE)
    )


def graph(title, unit, description, *queries):
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .span(8)
        .height(8)
    )
    for number, (expression, legend) in enumerate(queries):
        ref = chr(ord("A") + number)
        panel = panel.with_target(query(expression, legend).ref_id(ref))
    return panel


def quantiles(title, unit, description, histogram, shares=(0.5, 0.99)):
    return graph(
        title, unit, description,
        *((quantile(share, histogram), f"p{share * 100:g}") for share in shares))


def info(title, description, metric):
    instant = query(f"{metric}{{{SELECTED}}}", "").instant()
    return (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .span(12)
        .height(6)
        .with_target(instant.format(PromQueryFormat.TABLE).ref_id("A"))
    )


def control_loops(board):
    return (
        board.with_row(dashboards.Row("Control loops"))
        .with_panel(graph(
            "Decisions", "ops", "Answers given for the first time, by outcome.",
            (total("foresight_decisions_total", "outcome"), "{{outcome}}")))
        .with_panel(quantiles(
            "Time to answer", "s", "From a decision's arrival to its answer.",
            "foresight_decision_seconds", (0.5, 0.99, 0.999)))
        .with_panel(quantiles(
            "Slack", "s",
            "Time left until the deadline at the answer. p1: the loops with the "
            "least.", "foresight_slack_seconds", (0.01, 0.5)))
        .with_panel(quantiles(
            "Time in the queue", "s", "From arrival to the engine.",
            "foresight_queue_seconds"))
        .with_panel(quantiles(
            "Time of adaptation", "s", "In the engine.",
            "foresight_adapt_seconds"))
        .with_panel(graph(
            "Deadline misses", "ops",
            "Decisions that were not answered before their deadline.",
            (total("foresight_deadline_misses_total", "instance"),
             "{{instance}}")))
    )


def adaptation(board):
    asked = "foresight_adaptation_steps_requested_total"
    shed = "foresight_adaptation_steps_shed_total"
    return (
        board.with_row(dashboards.Row("Adaptation"))
        .with_panel(graph(
            "Steps", "ops", "Adaptation steps asked for, done and shed.",
            (total(asked), "asked for"),
            (total("foresight_adaptation_steps_total"), "done"),
            (total(shed), "shed")))
        .with_panel(graph(
            "Steps shed", "percentunit",
            "Share of the steps asked for that there was no time for. This is "
            "the load signal: the CPU is busy long before it.",
            (f"{total(shed)} / {total(asked)}", "shed")))
        .with_panel(graph(
            "Refused changes", "ops",
            "Decisions whose change was undone: a value was not finite, or a "
            "guard rejected it.",
            (total("foresight_decisions_total", "outcome",
                   ',outcome=~"NON_FINITE|REJECTED"'), "{{outcome}}")))
        .with_panel(quantiles(
            "Objective gain", "none",
            "Imagined return after a decision's steps minus that before them, of "
            "decisions that report both.",
            "foresight_objective_gain", (0.1, 0.5, 0.9)))
        .with_panel(quantiles(
            "Gradient norm", "none",
            "Of each decision's last step, before its limit.",
            "foresight_gradient_norm", (0.5, 0.9, 0.99)))
        .with_panel(quantiles(
            "Drift", "none",
            "Distance of the adapted parameters from the pretrained ones.",
            "foresight_drift", (0.5, 0.9, 0.99)))
    )


def capacity(board):
    return (
        board.with_row(dashboards.Row("Capacity and clients"))
        .with_panel(graph(
            "Sessions", "none", "Open, and how many may be.",
            (gauge("foresight_sessions"), "open"),
            (gauge("foresight_sessions_limit"), "limit")))
        .with_panel(graph(
            "Decisions waiting", "none",
            "Accepted and not answered, and those of them in the queue.",
            (gauge("foresight_decisions_in_flight"), "in flight"),
            (gauge("foresight_queued_decisions"), "queued"),
            (gauge("foresight_queue_limit"), "queue's limit")))
        .with_panel(graph(
            "Refusals", "ops", "Decisions and sessions refused, by reason.",
            (total("foresight_refusals_total", "reason"), "{{reason}}")))
        .with_panel(graph(
            "Requests", "ops", "Answered, by method and code.",
            (total("foresight_requests_total", "method, code") + " > 0",
             "{{method}} {{code}}")))
        .with_panel(graph(
            "Sessions expired", "ops",
            "Freed because idle, or because their connection was lost.",
            (total("foresight_sessions_expired_total"), "expired")))
        .with_panel(graph(
            "Control streams", "none", "Open.",
            (gauge("foresight_control_streams"), "streams")))
    )


def process(board):
    return (
        board.with_row(dashboards.Row("Process"))
        .with_panel(graph(
            "CPU", "none", "Cores in use.",
            (total("process_cpu_seconds_total", "instance"), "{{instance}}")))
        .with_panel(graph(
            "Memory", "bytes", "Resident, and the sessions' policies in it.",
            (gauge("process_resident_memory_bytes"), "resident"),
            (gauge("foresight_psi_bytes"), "policies of sessions")))
        .with_panel(graph(
            "Open files", "none", "Files and sockets, and how many may be.",
            (gauge("process_open_fds"), "open"),
            (gauge("process_max_fds"), "limit")))
        .with_panel(info(
            "Models", "Served now.", "foresight_model_info"))
        .with_panel(info(
            "Builds", "That run now.", "foresight_build_info"))
        .with_panel(graph(
            "Up since", "dateTimeFromNow", "Start of each process.",
            (f"process_start_time_seconds{{{SELECTED}}} * 1000",
             "{{instance}}")))
    )


def build():
    board = (
        dashboards.Dashboard("foresight")
        .uid("foresight")
        .tags(["foresight"])
        .description("Servers scraped by the job foresight.")
        .time("now-1h", "now")
        .refresh("15s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboards.DatasourceVariable("datasource").type("prometheus"))
        .with_variable(
            dashboards.QueryVariable("instance")
            .datasource(SOURCE)
            .query('label_values(foresight_build_info{job="foresight"}, '
                   "instance)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*"))
    )
    for part in (control_loops, adaptation, capacity, process):
        board = part(board)
    return board.build()


def main():
    print(JSONEncoder(sort_keys=True, indent=2).encode(build()))


if __name__ == "__main__":
    main()
