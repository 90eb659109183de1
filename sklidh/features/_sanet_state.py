"""Serialise fitted SA-Net estimators as plain values: pickle, `save_model` and folders."""

from numbers import Integral

from sklearn.utils.validation import check_is_fitted

from sklidh.features._sanet_files import read_model, write_model
from sklidh.nn._device import choose_device
from sklidh.nn._trained import freeze, thaw
from sklidh.utils import ModelFileError


class SavedNetworksMixin:
    """Mixin for estimators with trained networks of class `_module` in the dict ``nets_``."""

    def __getstate__(self):
        # Pickle, deepcopy and save_model all write the same plain values, without code.
        return self._with_nets(dict(super().__getstate__()), freeze)

    def __setstate__(self, state):
        # A network trained on a GPU also works on a machine without one.
        device = choose_device("cpu" if state["device"] == "cpu" else "auto")
        super().__setstate__(
            self._with_nets(state, lambda frozen: thaw(self._module, frozen, device=device))
        )

    @staticmethod
    def _with_nets(state, change):
        """Return a fitted estimator's attributes, with each network converted."""
        if "nets_" not in state:
            return state
        return state | {"nets_": {name: change(net) for name, net in state["nets_"].items()}}

    def save(self, folder):
        """Save the fitted estimator in a folder of JSON and safetensors files, without code.

        The output format of `set_output` is saved too. `callbacks`, which are code, are left out,
        as is a `random_state` that is not a number.

        Parameters
        ----------
        folder : str or path
            Folder to write to; created if missing. An existing model is replaced.

        See Also
        --------
        sklidh.save_model : A whole pipeline in one file.
        """
        check_is_fitted(self)
        parameters = self.get_params(deep=False)
        state = {
            name: value
            for name, value in self.__getstate__().items()
            if name in parameters
            or (name.endswith("_") and not name.startswith("_"))
            or name == "_sklearn_output_config"
        }
        state["callbacks"] = None
        if not isinstance(self.random_state, Integral):
            state["random_state"] = None
        write_model(folder, type(self).__name__, state)

    @classmethod
    def load(cls, folder):
        """Load an estimator written by `save`, without executing code from the files.

        On the same device, its predictions are bit-identical to those of the saved estimator.

        Parameters
        ----------
        folder : str or path

        Returns
        -------
        estimator

        Raises
        ------
        ModelFileError
            A file is missing, truncated or altered, or contains something else.
        """
        state = read_model(folder, cls.__name__)
        estimator = cls.__new__(cls)
        try:
            estimator.__setstate__(state)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelFileError(f"{folder}: not a saved {cls.__name__}: {error}") from error
        return estimator
