"""What the profiler notes: names, nesting, times, bytes, shapes; and when."""

import gzip
import json
import threading
import time

import numpy
import pytest

import lampas
from lampas import nn, profiler
from lampas.engine import creation, timing
from lampas.engine.modes import BEFORE_WALK
from lampas.engine.record import RECORDS
from lampas.engine.tape import Node
from lampas.engine.tensor import ASSIGN, Tensor
from lampas.profiler import ProfilerAction, ProfilerActivity, profile, record_function


def ones(*sizes, requires_grad=False):
    """Made of an array, which the profiler does not see."""
    made = lampas.from_numpy(numpy.ones(sizes, numpy.float32))
    return made.requires_grad_(requires_grad)


def _names(prof):
    return [event.name for event in prof.events()]


def test_nothing_stays_behind():
    before = {name: record.call for name, record in RECORDS.items()}
    methods, assign = dict(vars(Tensor)), ASSIGN[0]
    with profile():
        assert RECORDS["exp"].call is not before["exp"]
    assert all(RECORDS[name].call is call for name, call in before.items())
    assert dict(vars(Tensor)) == methods and ASSIGN[0] is assign
    assert BEFORE_WALK == [] and timing._TIMES._users == 0


def test_an_error_inside_ends_it():
    with pytest.raises(KeyError), profile() as prof:
        ones(1).exp()
        raise KeyError
    assert _names(prof) == ["exp"] and timing._TIMES._users == 0


def test_functions_methods_and_operators():
    x = ones(2, 2)
    with profile() as prof:
        lampas.exp(x)
        x.exp()
        x * 2
        2 - x
        y = x == x
        y = -x
        y = y @ x
        x.add_(1)
        x += 1
    expected = ["exp", "exp", "mul", "sub", "eq", "neg", "matmul"]
    assert _names(prof) == expected + ["add_", "add"] * 2
    inner = [e.cpu_parent.name for e in prof.events() if e.cpu_parent]
    assert inner == ["add_", "add_"]


def test_an_operand_that_none_takes_is_not_noted():
    with profile() as prof, pytest.raises(TypeError):
        ones(1) + "a"
    assert _names(prof) == []


def test_forward_and_backward():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = lampas.optim.SGD(net.parameters(), lr=0.1)
    with profile() as prof:
        net(ones(5, 3)).sum().backward()
        optimizer.step()
    forward = ["linear_bias", "relu", "linear_bias", "sum"]
    back = ["SumBackward0", "AddmmBackward0", "ReluBackward0"]
    names = _names(prof)
    assert names[:4] == forward
    assert names[4:8] == [*back, "AddmmBackward0"]
    assert names[8] == "Optimizer.step#SGD.step"
    counts = {e.key: e.count for e in prof.key_averages()}
    assert counts["linear_bias"] == 2 and counts["AddmmBackward0"] == 2


def test_gradients_are_the_same_and_graphs_stay_usable():
    x = lampas.tensor([1.0, 2.0], requires_grad=True)
    with profile() as prof:
        y = (x * x).sum()
        y.backward(retain_graph=True)
        (slope,) = lampas.autograd.grad((x * x * x).sum(), x, create_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    assert slope.tolist() == [3.0, 12.0]
    assert _names(prof).count("MulBackward0") == 3
    z = x * x
    assert type(z.grad_fn) is Node


def test_functions_with_hand_written_gradients():
    class Square(lampas.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return 2 * ctx.saved_tensors[0] * g

    x = ones(1, requires_grad=True)
    with profile() as prof:
        Square.apply(x).backward()
    events = prof.events()
    assert [e.name for e in events] == ["mul", "SquareBackward", "mul", "mul"]
    assert [e.cpu_parent and e.cpu_parent.name for e in events[2:]] == (
        ["SquareBackward"] * 2
    )


def test_with_anomaly_detection_and_saved_hooks():
    x = ones(2, requires_grad=True)
    hooks = lampas.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with profile() as prof, hooks:
        x.exp().sum().backward()
    assert "ExpBackward0" in _names(prof)
    with profile() as prof, lampas.autograd.detect_anomaly():
        y = (x - 1).sqrt()
        with pytest.raises(RuntimeError, match="SqrtBackward0 returned nan"):
            (y * 0).sum().backward()
    y = ((x - 1).sqrt() * 0).sum()
    with lampas.autograd.detect_anomaly(), profile():
        with pytest.raises(RuntimeError, match="SqrtBackward0 returned nan"):
            y.backward()
    assert BEFORE_WALK == []


def test_times_of_calls_and_of_what_is_inside():
    with profile() as prof:
        with record_function("outer"):
            time.sleep(0.02)
            with record_function("inner"):
                time.sleep(0.03)
            ones(3).exp()
    outer, inner, exp = prof.events()
    assert 0.03e6 <= inner.cpu_time_total < 0.2e6
    assert outer.cpu_time_total >= 0.05e6
    own = outer.cpu_time_total - inner.cpu_time_total - exp.cpu_time_total
    assert outer.self_cpu_time_total == pytest.approx(own)
    assert outer.cpu_children == [inner, exp] and exp.cpu_parent is outer
    assert inner.time_range.elapsed_us() == pytest.approx(inner.cpu_time_total)
    total = sum(e.self_cpu_time_total for e in prof.events())
    assert total == pytest.approx(outer.cpu_time_total)
    assert prof.events().total_average().self_cpu_time_total == pytest.approx(total)


def test_names_of_parts_as_a_decorator():
    @record_function("part")
    def part(x):
        return x.exp()

    assert part(ones(1)).item() > 2
    with profile() as prof:
        part(ones(1))
    assert _names(prof) == ["part", "exp"]


def test_bytes_of_new_results():
    x = ones(10, 10, requires_grad=True)
    with profile(profile_memory=True) as prof:
        with record_function("all"):
            x.reshape(100).exp()
            lampas.sort(x)
            x.t()
            (x * 2).sum().backward()
    found = {e.name: e.self_cpu_memory_usage for e in prof.events()}
    assert found["exp"] == found["mul"] == 400
    assert found["reshape"] == found["permute"] == found["all"] == 0
    assert found["sort"] == 400 + 800  # the order is int64
    assert found["sum"] == 4 and found["MulBackward0"] == 400
    whole = prof.events()[0]
    assert whole.cpu_memory_usage == sum(found.values())


def test_shapes():
    with profile(record_shapes=True) as prof:
        ones(2, 3) @ ones(3, 4)
        ones(1, 3) @ ones(3, 4)
        lampas.cat([ones(2), ones(3)])
    first, _, cat = prof.events()
    assert first.input_shapes == [[2, 3], [3, 4]] and cat.input_shapes == [[2], [3]]
    assert [e.count for e in prof.key_averages()] == [2, 1]
    grouped = prof.key_averages(group_by_input_shape=True)
    assert [e.count for e in grouped] == [1, 1, 1]
    assert "[[1, 3], [3, 4]]" in grouped.table()


def test_lines_of_the_program(tmp_path):
    with profile(with_stack=True) as prof:
        for _ in range(20):
            ones(30, 30).exp()
    (event, *_) = prof.events()
    assert "test_profiler.py" in event.stack[0]
    assert event.stack[0].endswith("test_lines_of_the_program")
    assert "Source Location" in prof.key_averages(group_by_stack_n=1).table()
    prof.export_stacks(tmp_path / "stacks")
    line = (tmp_path / "stacks").read_text().splitlines()[0]
    assert line.rpartition(" ")[0].endswith(";exp") and int(line.rpartition(" ")[2])
    with pytest.raises(ValueError, match="metric"):
        prof.export_stacks(tmp_path / "stacks", "self_gpu")


def test_tables():
    with profile(profile_memory=True) as prof:
        for _ in range(3):
            ones(4).exp()
        lampas.sort(ones(20000))
    table = prof.key_averages().table(sort_by="count", row_limit=1, header="Totals")
    lines = table.splitlines()
    assert lines[1] == "Totals"
    assert lines[3].split("  ")[0].strip() == "Name"
    assert lines[5].split()[0] == "exp" and lines[5].split()[-1] == "3"
    assert lines[-1].startswith("Self CPU time total: ") and len(lines) == 8
    for key in ("self_cpu_time_total", "cpu_memory_usage", "cuda_time_total"):
        assert "sort" in prof.key_averages().table(sort_by=key)
    by_size = prof.key_averages().table(sort_by="cpu_memory_usage").splitlines()
    assert by_size[3].split()[0] == "sort" and "234.38 KB" in by_size[3]
    assert "us" not in prof.key_averages().table(time_unit="ms").partition("-\n")[2]
    assert str(prof.key_averages()) == prof.key_averages().table()
    with pytest.raises(ValueError, match="sort_by"):
        prof.key_averages().table(sort_by="name")
    with pytest.raises(ValueError, match="time_unit"):
        prof.key_averages().table(time_unit="h")
    with profile() as empty:
        pass
    assert empty.key_averages().table() == ""


def test_top_level_only():
    with profile() as prof:
        with record_function("outer"):
            ones(1).exp()
    table = prof.events().table(top_level_events_only=True)
    assert "outer" in table and "exp" not in table


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_traces_are_trace_event_json(tmp_path, name):
    with profile(record_shapes=True) as prof:
        with record_function("outer"):
            (ones(2, 3, requires_grad=True) * 2).sum().backward()
    prof.add_metadata("run", "first")
    prof.add_metadata_json("sizes", "[1, 2]")
    prof.export_chrome_trace(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    document = json.loads(gzip.decompress(data) if name.endswith("gz") else data)
    assert document["run"] == "first" and document["sizes"] == [1, 2]
    events = document["traceEvents"]
    for event in events:
        assert event["ph"] in "XM" and isinstance(event["pid"], int)
        assert isinstance(event["tid"], int) and isinstance(event["name"], str)
    spans = {e["name"]: e for e in events if e["ph"] == "X"}
    outer, mul = spans["outer"], spans["mul"]
    assert mul["args"]["Input Dims"] == [[2, 3], []]
    assert outer["cat"] == "user_annotation" and mul["cat"] == "cpu_op"
    assert {"sum", "SumBackward0", "MulBackward0"} < set(spans)
    for event in spans.values():
        # Perfetto needs what is inside to lie inside.
        assert outer["ts"] <= event["ts"]
        assert event["ts"] + event["dur"] <= outer["ts"] + outer["dur"] + 1e-3


def test_schedules():
    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1)
    names = [plan(i).name for i in range(11)]
    cycle = ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE"]
    assert names == ["NONE", *cycle, *cycle, "NONE", "NONE"]
    again = profiler.schedule(wait=2, warmup=0, active=1, skip_first_wait=1)
    assert [again(i) for i in range(4)] == [
        ProfilerAction.RECORD_AND_SAVE,
        ProfilerAction.NONE,
        ProfilerAction.NONE,
        ProfilerAction.RECORD_AND_SAVE,
    ]
    with pytest.raises(ValueError, match="active must be positive"):
        profiler.schedule(wait=0, warmup=0, active=0)


def test_steps():
    seen = []

    def ready(prof):
        seen.append([(e.key, e.count) for e in prof.key_averages()])

    plan = profiler.schedule(wait=1, warmup=1, active=2, repeat=2)
    with profile(schedule=plan, on_trace_ready=ready) as prof:
        for _ in range(10):
            ones(1).exp()
            prof.step()
    first = [("ProfilerStep#2", 1), ("exp", 2), ("ProfilerStep#3", 1)]
    second = [("ProfilerStep#6", 1), ("exp", 2), ("ProfilerStep#7", 1)]
    assert seen == [first, second]
    assert timing._TIMES._users == 0


def test_recordings_add_up_if_asked_to():
    plan = profiler.schedule(wait=0, warmup=0, active=1)
    with profile(schedule=plan, acc_events=True) as prof:
        for _ in range(3):
            ones(1).exp()
            prof.step()
    assert _names(prof).count("exp") == 3


def test_a_recording_that_is_cut_short_is_ready():
    seen = []
    plan = profiler.schedule(wait=0, warmup=0, active=5)
    with profile(schedule=plan, on_trace_ready=seen.append) as prof:
        ones(1).exp()
        prof.step()
    assert seen == [prof] and "exp" in _names(prof)


def test_traces_for_tensorboard(tmp_path):
    for use_gzip in (False, True):
        handler = profiler.tensorboard_trace_handler(
            str(tmp_path / "logs"), "me", use_gzip
        )
        with profile(on_trace_ready=handler):
            ones(1).exp()
    names = sorted(path.name.split(".", 2)[2] for path in (tmp_path / "logs").iterdir())
    assert names == ["pt.trace.json", "pt.trace.json.gz"]


def _in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()
    return thread.ident


def test_functions_that_make_tensors():
    x = ones(2, 3)
    with profile(record_shapes=True, profile_memory=True) as prof:
        lampas.zeros(5)
        lampas.tensor([1.0, 2.0])
        lampas.rand(2, 2)
        lampas.arange(4)
        lampas.zeros_like(x)
        x.new_ones(7)
        lampas.empty(3)
        x.normal_()
    events = [e for e in prof.events() if e.cpu_parent is None]
    assert [(e.name, e.input_shapes) for e in events] == [
        ("zeros", []),
        ("tensor", []),
        ("rand", []),
        ("arange", []),
        ("zeros_like", [[2, 3]]),
        ("new_ones", [[2, 3]]),
        ("empty", []),
        ("normal_", [[2, 3]]),
    ]
    sizes = [e.cpu_memory_usage for e in events]
    assert sizes == [20, 8, 16, 32, 24, 28, 12, 0]
    assert not creation._around


def test_all_threads_each_with_its_own_nesting(tmp_path):
    entered, left = threading.Event(), threading.Event()

    def other():
        with record_function("outside"):
            entered.set()
            assert left.wait(10)
            ones(1, requires_grad=True).log().backward()

    thread = threading.Thread(target=other)
    with profile(profile_memory=True) as prof:
        thread.start()
        assert entered.wait(10)
        # Inside of what the other thread has open, by time alone.
        ones(10).exp()
        left.set()
        thread.join()
    found = {e.name: e for e in prof.events()}
    assert set(found) == {"outside", "exp", "log", "LogBackward0"}
    assert found["exp"].cpu_parent is None
    assert found["log"].cpu_parent is found["LogBackward0"].cpu_parent
    assert found["log"].cpu_parent is found["outside"]
    assert found["exp"].thread == threading.get_ident()
    assert found["log"].thread == found["outside"].thread == thread.ident
    assert found["outside"].cpu_memory_usage == 8  # log's 4 and its gradient's 4
    assert found["exp"].self_cpu_memory_usage == 40
    prof.export_chrome_trace(tmp_path / "trace.json")
    entries = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    threads = {e["name"]: e["tid"] for e in entries if e["ph"] == "X"}
    assert threads["exp"] != threads["log"] == threads["outside"]
    named = [e["tid"] for e in entries if e["name"] == "thread_name"]
    assert sorted(named) == sorted({threads["exp"], threads["log"]})


def test_no_call_of_many_threads_is_lost():
    @record_function("part")
    def part():
        for _ in range(100):
            ones(4).exp()

    with profile(profile_memory=True) as prof:
        threads = [threading.Thread(target=part) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    average = {e.key: e for e in prof.key_averages()}
    assert average["exp"].count == 800 and average["part"].count == 8
    assert average["exp"].self_cpu_memory_usage == 800 * 16
    assert average["part"].cpu_memory_usage == 800 * 16
    parts = [e for e in prof.events() if e.name == "part"]
    assert all(len(e.cpu_children) == 100 for e in parts)


def test_lines_of_another_thread():
    def other():
        ones(2).exp()

    with profile(with_stack=True) as prof:
        _in_thread(other)
    (event,) = prof.events()
    assert event.stack[0].endswith(": other")


def test_one_profiler_for_all_threads():
    refused = []

    def other():
        with pytest.raises(RuntimeError, match="sees all threads") as caught:
            profile().start()
        refused.append(caught)

    with profile() as prof:
        _in_thread(other)
        ones(1).exp()
    assert len(refused) == 1 and _names(prof) == ["exp"]


def test_floating_point_operations():
    with profile(with_flops=True) as prof:
        nn.functional.conv2d(ones(8, 3, 10, 10), ones(4, 3, 3, 3), None, 2, 1)
        nn.functional.linear(ones(3, 4), ones(5, 4), ones(5))
        ones(2, 3, 4) @ ones(2, 4, 5)
        ones(3, 5) + ones(3, 5)
        ones(3, 5) * 2
        ones(3, 5).exp()
    found = {e.key: e.flops for e in prof.key_averages()}
    assert found["conv"] == 2 * (8 * 4 * 5 * 5) * (3 * 3 * 3)
    assert found["linear_bias"] == 2 * 3 * 5 * 4
    assert found["matmul"] == 2 * (2 * 3 * 5) * 4
    assert found["add"] == found["mul"] == 15 and found["exp"] == 0
    table = prof.key_averages().table()
    assert "Total FLOPs" in table and "43,200" in table
    with profile(record_shapes=True) as prof:
        ones(3, 5) + ones(3, 5)
    assert prof.events()[0].flops == 0
    assert "FLOPs" not in prof.key_averages().table()


def test_function_transforms():
    with profile(record_shapes=True, profile_memory=True) as prof:
        lampas.vmap(lambda x: x.exp())(ones(3, 2))
        lampas.func.grad(lambda x: x.sin())(lampas.tensor(1.0))
        lampas.func.jvp(lampas.cos, (ones(2),), (ones(2),))
    assert {"exp", "sin", "SinBackward0", "cos"} <= set(_names(prof))


def test_under_autocast():
    w = ones(2, 2, requires_grad=True)
    with profile() as prof, lampas.autocast("cpu"):
        (w @ w).float().sum().backward()
    assert _names(prof)[:2] == ["matmul", "cast"]
    with lampas.autocast("cpu"), profile() as prof:
        assert (w @ w).dtype == lampas.bfloat16
    assert _names(prof)[0] == "matmul"


def test_one_at_a_time():
    with profile(), pytest.raises(RuntimeError, match="already open"):
        profile().start()
    assert timing._TIMES._users == 0


def test_what_is_refused():
    with pytest.raises(ValueError, match="activities"):
        profile(activities=[])
    with pytest.raises(ValueError, match="activities"):
        profile(activities=["cpu"])
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        profile().events()
    if not lampas.cuda.is_available():
        with pytest.warns(UserWarning, match="no card"):
            profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])


def test_the_older_form(tmp_path):
    with lampas.autograd.profiler.profile(record_shapes=True) as prof:
        with lampas.autograd.profiler.record_function("part"):
            ones(2).exp()
    assert [e.key for e in prof.key_averages()] == ["part", "exp"]
    assert "exp" in prof.table(sort_by="self_cpu_time_total") and "exp" in str(prof)
    assert prof.total_average().count == 2 and prof.self_cpu_time_total > 0
    prof.export_chrome_trace(tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    off = lampas.autograd.profiler.profile(enabled=False)
    with off as entered:
        ones(2).exp()
    assert entered is None
    with pytest.raises(RuntimeError, match="not enabled"):
        off.key_averages()
    assert lampas.autograd.ProfilerActivity is ProfilerActivity
    assert lampas.autograd.kineto_available() is False
