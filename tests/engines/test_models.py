import pytest
import torch
from pydantic import ValidationError
from torch import nn

from engines.layers import Dropout, initialise, set_generator
from engines.registry import model

MODELS = list(model)
OURS = {"mlp", "cnn", "resnet", "vit"}
each_model = pytest.mark.parametrize("entry", MODELS, ids=lambda entry: entry.name)
each_depth = pytest.mark.parametrize("channels", [1, 3])


def images(channels=1, size=28, batch=2):
    g = torch.Generator().manual_seed(0)
    return 2 * torch.rand(batch, channels, size, size, generator=g) - 1


def build(entry, channels=1, size=28):
    return initialise(lambda: entry.make((channels, size, size), 10), 0)


def test_that_the_registry_offers_the_four_classifiers():
    assert {entry.name for entry in MODELS} >= OURS


@each_model
@each_depth
@pytest.mark.parametrize("size", [8, 28])
def test_that_a_training_pass_reaches_every_weight(entry, channels, size):
    net = build(entry, channels, size).train()
    logits_BK = net(images(channels, size))
    assert logits_BK.shape == (2, 10)
    logits_BK.square().sum().backward()
    for name, parameter in net.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
    unreached = [name for name, p in net.named_parameters() if not p.grad.any()]
    assert unreached == []


@each_model
@each_depth
def test_that_taps_show_the_insides_and_change_nothing(entry, channels):
    net = build(entry, channels).eval()
    x_BCHW, taps = images(channels), {}
    with torch.no_grad():
        expected_BK = net(x_BCHW)
        shown_BK = net(x_BCHW, taps)
        torch.testing.assert_close(shown_BK, expected_BK, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(net.head(taps["embedding"]), expected_BK, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(net.embed(x_BCHW), taps["embedding"], rtol=1e-5, atol=1e-6)
    assert isinstance(net.head, nn.Linear)
    assert taps["embedding"].shape == (2, net.head.in_features)
    assert len(taps) >= (3 if entry.name in OURS else 1)
    assert all(len(tensor) == 2 for tensor in taps.values())


@each_model
def test_that_a_tapped_map_can_be_differentiated(entry):
    net = build(entry).eval()
    taps = {}
    logits_BK = net(images().requires_grad_(), taps)  # a model may tap its input itself
    gradients = torch.autograd.grad(logits_BK[:, 3].sum(), list(taps.values()), allow_unused=True)
    assert all(gradient is not None for gradient in gradients)


@each_model
def test_that_weights_and_training_noise_follow_their_seeds(entry):
    first, second = build(entry), build(entry)
    for (name, p), q in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(p, q), name
    outputs = []
    for net in (first, second):
        set_generator(net, torch.Generator().manual_seed(4))
        outputs.append(net.train()(images()))
    assert torch.equal(*outputs)


@each_model
def test_that_a_model_computes_in_float64(entry):
    net = build(entry).double().eval()
    assert net(images().double()).dtype == torch.float64


@each_model
def test_that_no_model_draws_from_the_process_while_training(entry):
    knobs = {"dropout": 0.5} if "dropout" in entry.knobs.model_fields else {}
    net = initialise(lambda: entry.build((1, 28, 28), 10, **knobs), 0).train()
    rates = {module.rate for module in net.modules() if isinstance(module, Dropout)}
    assert rates >= set(knobs.values())
    assert not any(isinstance(module, nn.Dropout) for module in net.modules())
    set_generator(net, torch.Generator().manual_seed(0))
    before = torch.random.get_rng_state()
    net(images()).sum().backward()
    assert torch.equal(torch.random.get_rng_state(), before)


@each_model
def test_that_every_knob_has_a_default_and_says_what_it_does(entry):
    for name, field in entry.knobs.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name


@pytest.mark.parametrize("name", sorted(OURS))
def test_that_a_dropout_of_nearly_everything_is_refused(name):
    with pytest.raises(ValidationError, match="dropout"):
        model[name].knobs(dropout=0.95)
