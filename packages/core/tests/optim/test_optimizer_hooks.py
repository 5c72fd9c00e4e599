"""Groups, hooks, copies and dictionaries of optimizers."""

import copy

import pytest

import lampas
from lampas.optim import SGD, Adam, Optimizer
from lampas.optim import optimizer as base


def leaf(value=1.0):
    return lampas.tensor([value], dtype=lampas.float64, requires_grad=True)


def stepped(optimizer, *params):
    for p in params:
        p.grad = lampas.ones_like(p)
    optimizer.step()


# ---- groups


def test_a_group_is_completed_and_kept():
    optimizer = SGD([leaf()], lr=0.1)
    group = {"params": leaf()}
    optimizer.add_param_group(group)
    assert optimizer.param_groups[1] is group
    assert group["lr"] == 0.1
    assert len(group["params"]) == 1


def test_parameters_twice_in_a_group_warn():
    a = leaf()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([a, a], lr=0.1)


def test_required_options():
    class Own(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"rate": base.required})

    with pytest.raises(ValueError, match="must set the option 'rate'"):
        Own([leaf()])
    assert Own([{"params": [leaf()], "rate": 2}]).param_groups[0]["rate"] == 2


BAD = [
    (lambda: SGD([{"params": {leaf()}}]), "must have an order", TypeError),
    (lambda: SGD([("a", leaf()), leaf()]), "names or none; 1 of 2", ValueError),
    (
        lambda: SGD([{"params": [leaf()]}, {"params": [("w", leaf())]}]),
        "this one is named",
        ValueError,
    ),
    (
        lambda: SGD([{"params": [("w", leaf())]}, {"params": [leaf()]}]),
        "this one is unnamed",
        ValueError,
    ),
]


@pytest.mark.parametrize(("make", "text", "error"), BAD)
def test_bad_groups(make, text, error):
    with pytest.raises(error, match=text):
        make()


def test_a_failed_group_leaves_no_trace():
    optimizer = SGD([leaf()], lr=0.1)
    with pytest.raises(TypeError):
        optimizer.add_param_group({"params": [leaf(), 3]})
    assert len(optimizer.param_groups) == 1


def test_zeroing_keeps_the_gradient_tensor():
    a = leaf()
    optimizer = SGD([a], lr=0.1)
    a.sum().backward()
    grad = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is grad
    assert grad.tolist() == [0.0]


# ---- hooks around steps


def test_hooks_run_in_order_around_the_whole_step():
    a, seen = leaf(), []
    optimizer = SGD([a], lr=0.1)

    def note(text):
        return lambda opt, args, kwargs: seen.append((text, opt is optimizer))

    handles = [
        base.register_optimizer_step_pre_hook(note("all before")),
        base.register_optimizer_step_post_hook(note("all after")),
    ]
    optimizer.register_step_pre_hook(note("before"))
    optimizer.register_step_post_hook(note("after"))

    def closure():
        seen.append(("closure", True))
        a.grad = lampas.ones_like(a)
        return 1.5

    assert optimizer.step(closure) == 1.5
    for handle in handles:
        handle.remove()
    names = ["all before", "before", "closure", "after", "all after"]
    assert seen == [(name, True) for name in names]
    seen.clear()
    stepped(optimizer, a)
    assert [name for name, _ in seen] == ["before", "after"]


def test_a_pre_hook_may_replace_the_arguments():
    a = leaf()
    optimizer = SGD([a], lr=0.1)
    optimizer.register_step_pre_hook(lambda opt, args, kw: ((opt, lambda: 7), {}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda opt, args, kw: 3)
    with pytest.raises(TypeError, match=r"must return None or \(args, kwargs\), got 3"):
        optimizer.step()


def test_an_own_step_has_hooks_once():
    class Own(SGD):
        def step(self, closure=None):
            return super().step(closure)

    a, seen = leaf(), []
    optimizer = Own([a], lr=0.5)
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    stepped(optimizer, a)
    assert seen == ["after"]
    assert a.item() == 0.5


# ---- dictionaries


def test_state_dict_hooks():
    a, seen = leaf(), []
    optimizer = SGD([a], lr=0.1)
    optimizer.register_state_dict_pre_hook(lambda opt: seen.append("second"))
    optimizer.register_state_dict_pre_hook(lambda opt: seen.append("first"), True)
    optimizer.register_state_dict_post_hook(lambda opt, d: seen.append("seen"))
    handle = optimizer.register_state_dict_post_hook(lambda opt, d: {**d, "more": 1})
    assert optimizer.state_dict()["more"] == 1
    assert seen == ["first", "second", "seen"]
    handle.remove()
    assert set(optimizer.state_dict()) == {"state", "param_groups"}


def test_load_state_dict_hooks():
    optimizer, seen = SGD([leaf()], lr=0.1), []
    given = SGD([leaf()], lr=0.5).state_dict()

    def other_rate(opt, state_dict):
        groups = [{**g, "lr": 0.25} for g in state_dict["param_groups"]]
        return {**state_dict, "param_groups": groups}

    optimizer.register_load_state_dict_pre_hook(other_rate)
    optimizer.register_load_state_dict_post_hook(lambda opt: seen.append(opt))
    optimizer.load_state_dict(given)
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert given["param_groups"][0]["lr"] == 0.5
    assert seen == [optimizer]


def test_names_are_loaded_and_do_not_matter():
    optimizer = SGD([("w", leaf())], lr=0.1)
    optimizer.load_state_dict(SGD([leaf()], lr=0.2).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["w"]
    optimizer.load_state_dict(SGD([("v", leaf())], lr=0.3).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["v"]
    assert optimizer.param_groups[0]["lr"] == 0.3


def test_moments_take_the_parameters_dtype():
    p = leaf()
    optimizer = Adam([p])
    stepped(optimizer, p)
    q = lampas.ones(1, requires_grad=True)
    other = Adam([q])
    other.load_state_dict(optimizer.state_dict())
    assert other.state[q]["exp_avg"].dtype is lampas.float32
    assert other.state[q]["step"].item() == 1


def test_state_of_nobody_is_kept():
    optimizer = SGD([leaf()], lr=0.1)
    saved = optimizer.state_dict()
    saved["state"]["note"] = {"a": 1}
    optimizer.load_state_dict(saved)
    assert optimizer.state_dict()["state"] == {"note": {"a": 1}}


def test_a_deep_copy_has_its_own_parameters():
    a = leaf()
    optimizer = Adam([a], lr=0.1)
    optimizer.register_step_pre_hook(lambda *_: None)
    stepped(optimizer, a)
    other = copy.deepcopy(optimizer)
    twin = other.param_groups[0]["params"][0]
    stepped(other, twin)
    assert twin.item() != a.item()
    assert other.state[twin]["step"].item() == 2
    assert optimizer.state[a]["step"].item() == 1


def test_repr_shows_the_options_of_each_group():
    optimizer = SGD([{"params": [leaf()]}, {"params": [leaf()], "lr": 2.0}], lr=0.5)
    lines = repr(optimizer).splitlines()
    assert lines[:2] == ["SGD (", "Parameter Group 0"]
    assert "    lr: 0.5" in lines
    assert "    lr: 2.0" in lines


def test_overflow_does_not_warn():
    p = lampas.tensor([3e38], requires_grad=True)
    p.grad = lampas.tensor([-3e38])
    SGD([p], lr=1.0).step()
    assert p.item() == float("inf")
