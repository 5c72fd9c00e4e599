"""What programs borrow from PyTorch's lesser modules, asked in place."""

import hashlib
import importlib
import io

import numpy as np
import pytest

import lampas
from lampas import nn
from lampas.compat._modules import sources_of
from lampas.compat._torch import __config__, _utils, hub, overrides, serialization
from lampas.compat._torch import distributed as dist
from lampas.compat._torch.distributions import utils as chances
from lampas.compat._torch.nn import init
from lampas.compat._torch.nn import parallel as parallel
from lampas.compat._torch.utils import model_zoo


@pytest.fixture
def weights(tmp_path):
    """A file of weights, its address and its SHA-256."""
    file = io.BytesIO()
    lampas.save({"w": lampas.tensor([1.0, 2.0])}, file)
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    path = tmp_path / f"net-{digest[:8]}.pth"
    path.write_bytes(file.getvalue())
    return path, path.as_uri(), digest


def test_a_state_dict_is_fetched_once_and_kept(weights, tmp_path, capfd):
    path, url, _ = weights
    kept = tmp_path / "kept"
    first = hub.load_state_dict_from_url(url, str(kept), progress=False)
    assert first["w"].tolist() == [1.0, 2.0]
    path.unlink()
    again = model_zoo.load_url(url, str(kept), check_hash=True)
    assert again["w"].tolist() == [1.0, 2.0]
    assert capfd.readouterr().err.count("Downloading") == 1


def test_the_hash_in_the_name_is_checked(weights, tmp_path):
    _, url, _ = weights
    folder = tmp_path / "kept"
    state = hub.load_state_dict_from_url(
        url, str(folder), progress=False, check_hash=True
    )
    assert list(state) == ["w"]
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.load_state_dict_from_url(
            url,
            str(folder),
            progress=False,
            check_hash=True,
            file_name="net-00000000.pth",
        )
    assert not (folder / "net-00000000.pth").exists()
    with pytest.raises(ValueError, match="check_hash"):
        hub.load_state_dict_from_url(
            url, str(folder), check_hash=True, file_name="net.pth"
        )


def test_a_failed_download_leaves_what_was_there(weights, tmp_path):
    _, url, digest = weights
    target = tmp_path / "target"
    target.write_text("before")
    with pytest.raises(RuntimeError, match='expected "00"'):
        hub.download_url_to_file(url, str(target), "00", progress=False)
    assert target.read_text() == "before"
    hub.download_url_to_file(url, str(target), digest[:6], progress=False)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == digest


def test_the_folder_of_fetched_files(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "_chosen", [])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "hub")
    hub.set_dir(tmp_path / "other")
    assert hub.get_dir() == str(tmp_path / "other")


def test_entry_points_of_a_folder_and_none_of_the_net(tmp_path):
    (tmp_path / "hubconf.py").write_text(
        "dependencies = ['numpy']\n"
        "def double(x, by=2):\n    'Twice.'\n    return x * by\n"
    )
    assert hub.load(tmp_path, "double", 3, source="local", by=4) == 12
    assert hub.list(tmp_path, source="local") == ["double"]
    assert hub.help(tmp_path, "double", source="local") == "Twice."
    with pytest.raises(RuntimeError, match="callable single"):
        hub.load(tmp_path, "single", source="local")
    with pytest.raises(NotImplementedError, match="clone the repository"):
        hub.load("owner/name", "double")
    with pytest.raises(ValueError, match="source"):
        hub.load(tmp_path, "double", source="elsewhere")
    with pytest.raises(FileNotFoundError, match=r"hubconf\.py"):
        hub.load(tmp_path / "nowhere", "double", source="local")
    (tmp_path / "hubconf.py").write_text("dependencies = ['no_such_package']\n")
    with pytest.raises(RuntimeError, match="no_such_package"):
        hub.load(tmp_path, "double", source="local")


def test_trusted_names_are_kept_for_a_block():
    serialization.clear_safe_globals()
    with serialization.safe_globals([dict]):
        serialization.add_safe_globals([set, dict])
        assert serialization.get_safe_globals() == [dict, set]
    assert serialization.get_safe_globals() == []


def test_map_location_may_be_default_restore_location(tmp_path):
    lampas.save({"w": lampas.ones(2)}, tmp_path / "w.pt")
    state = serialization.load(
        tmp_path / "w.pt",
        map_location=lambda s, _: serialization.default_restore_location(s, "cpu"),
    )
    assert state["w"].device.type == "cpu"


def test_tensors_are_flattened_and_given_back():
    parts = [lampas.ones(2, 3), lampas.arange(4.0), lampas.tensor(7.0)]
    flat = _utils._flatten_dense_tensors(parts)
    assert flat.tolist() == [1.0] * 6 + [0.0, 1.0, 2.0, 3.0, 7.0]
    for part, back in zip(
        parts, _utils._unflatten_dense_tensors(flat, parts), strict=True
    ):
        assert back.shape == part.shape and back.tolist() == part.tolist()
    mixed = [lampas.zeros(2), lampas.zeros(1, dtype=lampas.int64), lampas.zeros(3)]
    groups = [[t.numel() for t in g] for g in _utils._take_tensors(mixed, 12)]
    assert groups == [[2], [3], [1]]


def test_chances_and_logits():
    p = np.array([0.2, 0.5, 0.9])
    logits = chances.probs_to_logits(lampas.tensor(p), is_binary=True)
    np.testing.assert_allclose(logits.numpy(), np.log(p / (1 - p)), rtol=1e-12)
    back = chances.logits_to_probs(logits, is_binary=True)
    np.testing.assert_allclose(back.numpy(), p, rtol=1e-12)
    many = chances.logits_to_probs(chances.probs_to_logits(lampas.tensor(p)))
    np.testing.assert_allclose(many.numpy(), p / p.sum(), rtol=1e-12)
    eps = np.finfo(np.float32).eps
    ends = chances.clamp_probs(lampas.tensor([0.0, 1.0])).numpy()
    assert ends.tolist() == [eps, np.float32(1 - eps)]


def test_a_lazy_property_is_computed_once():
    calls = []

    class Thing:
        @chances.lazy_property
        def value(self):
            calls.append(1)
            return lampas.is_grad_enabled()

    thing = Thing()
    with lampas.no_grad():
        assert thing.value is True
    assert thing.value is True and calls == [1]
    assert isinstance(Thing.value, chances.lazy_property)


def test_one_process_has_no_group():
    assert not dist.is_available() and not dist.is_initialized()
    with pytest.raises(NotImplementedError, match="one process"):
        dist.init_process_group("gloo")
    for ask in (dist.get_rank, dist.get_world_size, dist.barrier):
        with pytest.raises(ValueError, match="has not been initialized"):
            ask()
    with pytest.raises(ValueError, match="has not been initialized"):
        dist.all_reduce(lampas.ones(1), op=dist.ReduceOp.SUM)
    with pytest.raises(ValueError, match="has not been initialized"):
        parallel.DistributedDataParallel(nn.Linear(1, 1))
    assert not isinstance(nn.Linear(1, 1), parallel.DistributedDataParallel)


def test_data_parallel_calls_the_module():
    net = nn.Linear(2, 1)
    x = lampas.ones(3, 2)
    assert parallel.data_parallel(net, x).tolist() == net(x).tolist()
    assert nn.DataParallel(net)(x).tolist() == net(x).tolist()


@pytest.mark.parametrize(
    ("mode", "expected"), [("fan_in", 3 * 25), ("FAN_OUT", 8 * 25)]
)
def test_fans(mode, expected):
    weight = lampas.empty(8, 3, 5, 5)
    assert init._calculate_correct_fan(weight, mode) == expected
    with pytest.raises(ValueError, match="mode"):
        init._calculate_correct_fan(weight, "fan")


def test_what_is_computed_with():
    assert f"NumPy {np.__version__}" in __config__.show()
    assert (
        f"get_num_threads() : {lampas.get_num_threads()}" in __config__.parallel_info()
    )


def test_nothing_overrides():
    assert overrides.is_tensor_like(lampas.ones(1))
    assert not overrides.has_torch_function((lampas.ones(1),))


# The families that programs ask about by isinstance; as in PyTorch 2.13.
@pytest.mark.parametrize(
    ("home", "base", "members", "others"),
    [
        ("conv", "_ConvNd", "Conv1d Conv3d ConvTranspose2d", "Linear"),
        ("conv", "_ConvTransposeNd", "ConvTranspose1d ConvTranspose3d", "Conv2d"),
        ("batchnorm", "_BatchNorm", "BatchNorm1d SyncBatchNorm", "InstanceNorm1d"),
        ("batchnorm", "_NormBase", "BatchNorm3d InstanceNorm2d", "GroupNorm"),
        ("instancenorm", "_InstanceNorm", "InstanceNorm2d", "BatchNorm2d"),
        ("loss", "_Loss", "MSELoss NLLLoss", "Linear"),
        ("loss", "_WeightedLoss", "CrossEntropyLoss BCELoss", "MSELoss"),
        ("pooling", "_MaxPoolNd", "MaxPool1d MaxPool2d", "AvgPool2d"),
        ("pooling", "_AvgPoolNd", "AvgPool1d AvgPool3d", "MaxPool1d"),
        ("pooling", "_AdaptiveAvgPoolNd", "AdaptiveAvgPool2d", "AvgPool2d"),
        ("pooling", "AvgPool1d", "AvgPool1d", "AvgPool2d AvgPool3d"),
        ("dropout", "_DropoutNd", "Dropout AlphaDropout", "Linear"),
        ("rnn", "RNNCellBase", "LSTMCell GRUCell", "LSTM"),
    ],
)
def test_families_of_layers(home, base, members, others):
    sources = sources_of(f"torch.nn.modules.{home}")
    found = [
        vars(importlib.import_module(s))[base]
        for s in sources
        if base in vars(importlib.import_module(s))
    ][0]
    for name in members.split():
        assert issubclass(getattr(nn, name), found)
    for name in others.split():
        assert not issubclass(getattr(nn, name), found)
