/* SPDX-License-Identifier: Apache-2.0 */
package io.latent4j.istar.layers;

import static io.latent4j.istar.layers.ShrinkageParamInitializer.SHRINKAGE_KEY;

import io.latent4j.istar.IsoScoreStar;
import io.latent4j.istar.Points;
import io.latent4j.istar.ShrinkageCovariance;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Runtime half of {@link io.latent4j.istar.IStarLayer}, and the part of {@link IStarVertex} that holds the penalty. */
@SuppressWarnings("serial") // DL4J declares layers serializable but writes their configuration and parameters
public final class IStarLayer extends PenaltyLayer<io.latent4j.istar.IStarLayer> {
    private transient @Nullable INDArray paramsView;
    private transient @Nullable INDArray gradientsView;
    private transient Map<String, INDArray> params = Map.of();
    private transient Map<String, INDArray> gradientViews = Map.of();
    private transient boolean shrinkageSeen;
    private transient @Nullable Consumer<List<Points>> observer;
    private transient IsoScoreStar.@Nullable Evaluation evaluation;

    IStarLayer(NeuralNetConfiguration conf, DataType dataType) {
        super(conf, dataType);
    }

    @Override
    void penalise(
            List<INDArray> activations,
            List<@Nullable INDArray> masks,
            boolean training,
            LayerWorkspaceMgr workspaceMgr) {
        if (observer != null) {
            try (MemoryWorkspace ws = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                observer.accept(points(activations, masks));
            }
            return;
        }
        super.penalise(activations, masks, training, workspaceMgr);
    }

    @Override
    double evaluate(List<Points> points) {
        double zeta = layerConf().getZeta();
        evaluation = IsoScoreStar.evaluate(
                "activations into IStarLayer \"" + name() + "\"",
                points,
                zeta > 0 ? requireShrinkage(zeta) : null,
                zeta,
                true);
        return evaluation.score();
    }

    private INDArray requireShrinkage(double zeta) {
        INDArray shrinkage = params.get(SHRINKAGE_KEY);
        if (!shrinkageSeen) {
            shrinkageSeen = Nd4j.diag(shrinkage).sumNumber().doubleValue() > 0;
        }
        if (!shrinkageSeen) {
            throw new IllegalStateException("IStarLayer \"" + name() + "\" with zeta = " + zeta
                    + " needs a shrinkage covariance and none has been set: add a ShrinkageListener and train by epochs,"
                    + " call IStar.updateShrinkage, or set zeta to 0");
        }
        return shrinkage;
    }

    @Override
    double penaltyOf(double measure) {
        return layerConf().getLambda() * (1 - measure);
    }

    @Override
    void addPenaltyGradient(double factor, List<INDArray> epsilons) {
        if (evaluation != null) {
            evaluation.addGradient(-factor * layerConf().getLambda(), epsilons);
        }
    }

    @Override
    void forget() {
        evaluation = null;
    }

    /**
     * Whether the layer mixes a shrinkage covariance into its measure.
     *
     * @return true if ζ &gt; 0
     */
    public boolean usesShrinkage() {
        return layerConf().getZeta() > 0;
    }

    /**
     * Hands the points of the following forward passes to an observer instead of taking a penalty on them.
     *
     * @param observer receives the points; null ends the observation
     */
    public void observe(@Nullable Consumer<List<Points>> observer) {
        this.observer = observer;
    }

    /**
     * Sets Σ_S.
     *
     * @param covariance symmetric positive semi-definite {@code [n, n]}, not zero
     * @throws IllegalArgumentException if it is no covariance
     * @throws IllegalStateException if ζ = 0, so that there is no Σ_S
     */
    public void setShrinkageCovariance(INDArray covariance) {
        if (!usesShrinkage()) {
            throw new IllegalStateException("IStarLayer \"" + name() + "\" has zeta = 0 and no shrinkage covariance");
        }
        ShrinkageCovariance.requireCovariance(
                "shrinkageCovariance", covariance, layerConf().getNIn());
        if (Nd4j.diag(covariance).sumNumber().doubleValue() == 0) {
            throw new IllegalArgumentException("shrinkageCovariance must not be zero");
        }
        params.get(SHRINKAGE_KEY).assign(covariance);
    }

    @Override
    public INDArray params() {
        return paramsView;
    }

    @Override
    public INDArray getParam(String param) {
        return params.get(param);
    }

    @Override
    public void setParam(String key, INDArray val) {
        params.get(key).assign(val);
        shrinkageSeen = false;
    }

    @Override
    public void setParams(INDArray values) {
        if (paramsView != null && values != null) {
            paramsView.assign(values);
            shrinkageSeen = false;
        }
    }

    @Override
    public void setParamsViewArray(INDArray view) {
        paramsView = view;
    }

    @Override
    public void setParamTable(Map<String, INDArray> table) {
        params = table;
        shrinkageSeen = false;
    }

    @Override
    public Map<String, INDArray> paramTable() {
        return params;
    }

    @Override
    public Map<String, INDArray> paramTable(boolean backpropParamsOnly) {
        return params;
    }

    @Override
    public long numParams() {
        return paramsView == null ? 0 : paramsView.length();
    }

    @Override
    public INDArray getGradientsViewArray() {
        return gradientsView;
    }

    @Override
    public void setBackpropGradientsViewArray(INDArray view) {
        gradientsView = view;
        gradientViews = view == null ? Map.of() : layerConf().initializer().getGradientsFromFlattened(conf, view);
    }

    @Override
    Gradient parameterGradient() {
        Gradient gradient = new DefaultGradient();
        gradientViews.forEach((key, view) -> gradient.gradientForVariable().put(key, view.assign(0)));
        return gradient;
    }
}
